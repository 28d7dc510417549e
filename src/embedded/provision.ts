import { createHmac } from 'node:crypto';
import pg from 'pg';
import { superuser } from './cluster.ts';
import type { Postmaster } from './postmaster.ts';

/** The service's role, and the database of that name. */
const service = 'credit_ledger';
/** Who owns the database and all that is in it, and migrates it. */
const owner = 'credit_ledger_owner';

/** The service's own database, by each of the two roles. */
export type Urls = { readonly url: string; readonly ownerUrl: string };

/** A session of the superuser. */
export const connectAsSuperuser = (server: Postmaster, password: string): Promise<pg.Client> =>
  connectTo(urlOf(server, superuser, password, superuser));

async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // A lost session is noticed where it is used next; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/**
 * Makes the roles and the database unless they are there, and returns its URLs. Neither is the superuser: revoked
 * privileges bind the owner of a table, but never a superuser. What the service's role may do it is granted with each
 * migration. createdb is for test databases.
 */
export async function provision(client: pg.Client, server: Postmaster, password: string): Promise<Urls> {
  const passwords = { service: passwordOf(service, password), owner: passwordOf(owner, password) };
  await makeRole(client, owner, `createdb password ${client.escapeLiteral(passwords.owner)}`);
  await makeRole(client, service, `password ${client.escapeLiteral(passwords.service)}`);
  // Sees and ends the service's sessions. The other way around would undo it all.
  await client.query(`grant ${service} to ${owner}`);
  const databases = await client.query<{ owner: string }>(
    'select pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
    [service],
  );
  if (databases.rowCount === 0) await client.query(`create database ${service} owner ${owner}`);
  if (databases.rows[0]?.owner === service) {
    const within = await connectTo(urlOf(server, superuser, password, service));
    try {
      await bringOver(within, passwords.service);
    } finally {
      await within.end();
    }
  }
  // Objects of its session alone, but by their names they would stand before the ledger's tables.
  await client.query(`revoke temporary on database ${service} from public`);
  return {
    url: urlOf(server, service, passwords.service, service),
    ownerUrl: urlOf(server, owner, passwords.owner, service),
  };
}

async function makeRole(client: pg.Client, name: string, options: string): Promise<void> {
  const found = await client.query('select from pg_roles where rolname = $1', [name]);
  if (found.rowCount === 0) await client.query(`create role ${name} login ${options}`);
}

/**
 * A database of an earlier release, in which the service's role owned everything and had the superuser's password. It is
 * the catalog alone that changes, all of it or nothing, so a start that is killed here is repeated by the next.
 */
async function bringOver(client: pg.Client, password: string): Promise<void> {
  await client.query('begin');
  await client.query("set local lock_timeout = '10s'");
  await client.query(`alter role ${service} nocreatedb password ${client.escapeLiteral(password)}`);
  await client.query(`reassign owned by ${service} to ${owner}`);
  await client.query('commit');
}

/** Made of the superuser's, which it does not tell. */
const passwordOf = (role: string, password: string): string =>
  createHmac('sha256', password).update(role).digest('hex');

/** The form that libpq, so psql too, and pg both understand: the socket's directory as parameter `host`. */
function urlOf(server: Postmaster, user: string, password: string, database: string): string {
  const host = encodeURIComponent(server.socketDir).replaceAll('%2F', '/');
  return `postgresql://${user}:${password}@/${database}?host=${host}&port=${server.port}`;
}
