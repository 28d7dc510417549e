import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { readPassword, superuser } from '../../src/embedded/cluster.ts';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { connectAsSuperuser } from '../../src/embedded/provision.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseOf, migrateFor, query, userOf, withDatabase, withUser } from '../support/databases.ts';
import { grantRequest } from '../support/requests.ts';
import { call, testService } from '../support/service.ts';
import { blocksOf, sectionOf } from '../support/shown.ts';
import { untilSo } from '../support/until.ts';

/** The roles of the Postgres that comes along: of a new data directory, and of one of an earlier release. */

function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'roles-'));
  chmodSync(directory, 0o755);
  return directory;
}
const dataDir = dataDirectory();
const pgdata = join(dataDir, 'postgres');
const open = () => startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } });
let postgres = await open();
afterAll(async () => {
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
});

/** Some statements of the superuser's, in a database. */
async function asSuperuser(database: string, ...statements: readonly string[]): Promise<void> {
  const { url } = postgres;
  const client = new pg.Client(withDatabase(withUser(url, superuser, readPassword(pgdata)), database));
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

const writes = async (): Promise<boolean> => {
  const service = await testService(postgres.url);
  try {
    return (await call(service.url, 'credit.v1.CreditService/CreateGrant', grantRequest())).ok;
  } finally {
    await service.stop();
  }
};

test('one role owns the database, the other nothing; neither is the superuser or knows its password', async () => {
  const roles = await query(
    postgres.ownerUrl,
    `select rolname as role, rolsuper or rolcreaterole or rolbypassrls or rolreplication as mighty,
       exists (select from pg_database where datdba = r.oid) as owns
     from pg_roles r where rolname like 'credit_ledger%' order by 1`,
  );

  expect(roles).toEqual([
    { role: 'credit_ledger', mighty: false, owns: false },
    { role: 'credit_ledger_owner', mighty: false, owns: true },
  ]);
  const password = readFileSync(join(pgdata, 'password'), 'utf8');
  expect([postgres.url, postgres.ownerUrl].filter((url) => url.includes(password))).toEqual([]);
  await expect(query(withUser(postgres.url, superuser, 'wrong'), 'select')).rejects.toThrow('password');
});

test('the service works once the owner has migrated', async () => {
  await migrateFor(postgres);

  expect(await writes()).toBe(true);
});

describe('a data directory of an earlier release, whose one role owned everything', () => {
  /** As such a release left it: the service's role owns database and tables, and has the superuser's password. */
  const makeEarlier = () =>
    asSuperuser(
      'credit_ledger',
      `revoke all on all tables in schema public from credit_ledger`,
      `reassign owned by credit_ledger_owner to credit_ledger`,
      `alter role credit_ledger createdb password '${readPassword(pgdata)}'`,
      `revoke credit_ledger from credit_ledger_owner`,
      `drop role credit_ledger_owner`,
      `grant temporary on database credit_ledger to public`,
    );
  const ownersOf = async () =>
    (
      await query(
        postgres.ownerUrl,
        `select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'public'::regnamespace
         union select 'of the database: ' || pg_get_userbyid(datdba) from pg_database where datname = current_database()
         order by 1`,
      )
    ).map(({ owner }) => owner);

  test('is brought over at the next start, in which nothing is written anew', async () => {
    await makeEarlier();
    const filesOf = `select array_agg(relfilenode order by oid) as files from pg_class where relnamespace = 'public'::regnamespace`;
    const earlier = withUser(postgres.url, 'credit_ledger', readPassword(pgdata));
    const [before] = await query(earlier, filesOf);
    await postgres.stop();
    postgres = await open();

    expect(await ownersOf()).toEqual(['credit_ledger_owner', 'of the database: credit_ledger_owner']);
    expect((await query(postgres.ownerUrl, filesOf))[0]).toEqual(before);
    await expect(query(earlier, 'select')).rejects.toThrow('password authentication failed');
    expect(await migrateFor(postgres)).toEqual([]);
    expect(await writes()).toBe(true);
  });

  test('is brought over by the start after one that was killed before it was handed over', async () => {
    await makeEarlier();
    // A session of somebody's keeps the start from going on; it is ended there, and Postgres goes on.
    const holder = new pg.Client(withUser(postgres.url, 'credit_ledger', readPassword(pgdata)));
    await holder.connect();
    await holder.query('begin; lock table entries in access share mode');
    const ended = open().catch((error: unknown) => error);
    await untilSo('the start waits', async () => (await waiting()) > 0);
    await asSuperuser(
      'postgres',
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where wait_event_type = 'Lock'`,
    );
    expect(await ended).toBeInstanceOf(Error);
    await holder.end();

    expect(await startedAgain()).toEqual(BROUGHT_OVER);
  });

  test('is brought over by the start after one that was killed before it had migrated', async () => {
    await makeEarlier();
    await postgres.stop();
    postgres = await open();

    expect(await startedAgain()).toEqual(BROUGHT_OVER);
  });

  const BROUGHT_OVER = {
    owners: ['credit_ledger_owner', 'of the database: credit_ledger_owner'],
    writes: true,
  };
  async function startedAgain() {
    await postgres.stop();
    postgres = await open();
    const owners = await ownersOf();
    await migrateFor(postgres);
    return { owners, writes: await writes() };
  }

  const waiting = async (): Promise<number> => {
    const session = await connectAsSuperuser(findPostmaster(pgdata)!, readPassword(pgdata));
    const { rowCount } = await session.query(`select from pg_stat_activity where wait_event_type = 'Lock'`);
    await session.end();
    return rowCount!;
  };
});

describe('a Postgres of one’s own', () => {
  const page = readFileSync('docs/operating.md', 'utf8');
  const [make, bringOver] = blocksOf(sectionOf(page, '## Two roles')).filter(
    ({ language }) => language === 'sql',
  );
  /** As the page has it, with names and passwords of this test's. */
  const statementsOf = (text: string, name: string): string[] =>
    text
      .replaceAll('credit_ledger', name)
      .replaceAll('…', 'secret')
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '');
  const urlsOf = (name: string) => ({
    url: withDatabase(withUser(postgres.url, name, 'secret'), name),
    ownerUrl: withDatabase(withUser(postgres.url, `${name}_owner`, 'secret'), name),
  });

  test('has the two roles that docs/operating.md makes', async () => {
    await asSuperuser('postgres', ...statementsOf(make!.text, 'by_hand'));
    const urls = urlsOf('by_hand');
    await migrateFor(urls);

    expect([userOf(urls.url), databaseOf(urls.url)]).toEqual(['by_hand', 'by_hand']);
    const service = await testService(urls.url);
    const { ok } = await call(service.url, 'credit.v1.CreditService/CreateGrant', grantRequest());
    await service.stop();
    expect(ok).toBe(true);
    await expect(query(urls.url, 'create temporary table entries ()')).rejects.toThrow('permission denied');
    await expect(query(urls.url, 'delete from entries')).rejects.toThrow('permission denied');
  });

  test('that has one role is brought over as docs/operating.md says', async () => {
    await asSuperuser(
      'postgres',
      `create role by_one login password 'secret'`,
      'create database by_one owner by_one',
    );
    const urls = urlsOf('by_one');
    await migrate({ url: urls.url });
    await asSuperuser('by_one', ...statementsOf(bringOver!.text, 'by_one'));
    expect(await migrateFor(urls)).toEqual([]);

    await expect(query(urls.url, 'drop table entries')).rejects.toThrow('must be owner');
    await expect(query(urls.url, 'delete from entries')).rejects.toThrow('permission denied');
    expect(await query(urls.url, 'select from entries')).toEqual([]);
  });
});
