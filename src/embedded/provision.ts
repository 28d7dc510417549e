import pg from 'pg';
import { superuser } from './cluster.ts';
import type { Postmaster } from './postmaster.ts';

/** The service's role and its database. */
const role = 'credit_ledger';

/** A session of the superuser. */
export async function connectAsSuperuser(server: Postmaster, password: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(server, superuser, password, superuser) });
  // A lost session is noticed where it is used next; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/**
 * Makes the role and the database unless they are there, and returns their URL. Not the superuser: revoked
 * privileges bind the owner of a table, but never a superuser. createdb is for test databases.
 */
export async function provision(client: pg.Client, server: Postmaster, password: string): Promise<string> {
  const roles = await client.query('select from pg_roles where rolname = $1', [role]);
  if (roles.rowCount === 0) {
    await client.query(`create role ${role} login createdb password ${client.escapeLiteral(password)}`);
  }
  const databases = await client.query('select from pg_database where datname = $1', [role]);
  if (databases.rowCount === 0) await client.query(`create database ${role} owner ${role}`);
  return urlOf(server, role, password, role);
}

/** The form that libpq, so psql too, and pg both understand: the socket's directory as parameter `host`. */
function urlOf(server: Postmaster, user: string, password: string, database: string): string {
  const host = encodeURIComponent(server.socketDir).replaceAll('%2F', '/');
  return `postgresql://${user}:${password}@/${database}?host=${host}&port=${server.port}`;
}
