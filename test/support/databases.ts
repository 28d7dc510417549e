import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { SERVICE_UPDATES } from '../../src/tables/service-rights.ts';

/** A database by its two roles: the service's, and its owner's. */
export type RoleUrls = { readonly url: string; readonly ownerUrl: string };

/** Migrates a database as a start does that knows its owner. */
export const migrateFor = ({ url, ownerUrl }: RoleUrls): Promise<string[]> =>
  migrate({ url: ownerUrl, grantTo: { role: userOf(url), updates: SERVICE_UPDATES } });

export const userOf = (url: string): string => new pg.Client({ connectionString: url }).user!;

/** The same server, another database. By hand, because URL does not know URLs of sockets. */
export function withDatabase(url: string, database: string): string {
  const [, server, parameters = ''] = /^(\w+:\/\/[^/?]*)[^?]*(\?.*)?$/.exec(url) ?? [];
  return `${server}/${database}${parameters}`;
}

/** Which database of its server. */
export const databaseOf = (url: string): string => new pg.Client({ connectionString: url }).database!;

/** The same database, another role. */
export const withUser = (url: string, user: string, password: string): string =>
  url.replace(/^(\w+:\/\/)(?:[^@/]*@)?/, `$1${user}:${password}@`);

/** A copy of `template`; `template0` makes an empty one. file_copy is the faster way for a small template. */
export function createDatabase(url: string, name: string, template: string): Promise<void> {
  return query(url, `create database ${name} template ${template} strategy file_copy`).then(() => undefined);
}

/** Also when somebody is connected to it. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  try {
    await query(url, `drop database if exists ${name} with (force)`);
  } catch (error) {
    // By force an ordinary role may not end a vacuum of the server's own; without, the server ends it itself.
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    await query(url, `drop database if exists ${name}`);
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** The databases whose names begin with `prefix`. */
export async function listDatabases(url: string, prefix: string): Promise<string[]> {
  const rows = await query(url, `select datname from pg_database where starts_with(datname, '${prefix}')`);
  return rows.map(({ datname }) => String(datname));
}

/** One question on a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
