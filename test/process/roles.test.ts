import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { callerOf } from '../support/caller.ts';
import { endOf, spawnService } from '../support/child.ts';
import { userOf, withDatabase, databaseOf } from '../support/databases.ts';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest } from '../support/requests.ts';
import { openSql } from '../support/sql.ts';
import { HANGS_AFTER_MS, untilSo } from '../support/until.ts';

/** Who migrates, and what a start says where the service's role may do less or more than it should. */

type Line = {
  readonly level: string;
  readonly msg: string;
  readonly url?: string;
  readonly unprotected?: string[];
};
type Env = Readonly<Record<string, string>>;

/** The URL of the service's role for a database, of which the owner's is given. */
const migrated = await testDatabase();
const serviceOf = (ownerUrl: string): string => withDatabase(migrated.url, databaseOf(ownerUrl));

function spawned(program: 'main' | 'migrate', env: Env) {
  const child = spawnService({ CREDIT_LEDGER_PORT: '0', CREDIT_LEDGER_DATABASE_WAIT_MS: '100', ...env }, [
    process.execPath,
    `src/${program}.ts`,
  ]);
  onTestFinished(async () => {
    await endOf(child, 'SIGKILL');
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  return { child, lines };
}

/** A process that ends by itself: how, and the last that it says. */
async function ended(program: 'main' | 'migrate', env: Env) {
  const { child, lines } = spawned(program, env);
  await once(child, 'close', { signal: AbortSignal.timeout(HANGS_AFTER_MS) });
  return { code: child.exitCode, lines, last: lines.at(-1)! };
}

/** A service that serves: what it has said by then, and whether it takes a write. */
async function serving(env: Env) {
  const { child, lines } = spawned('main', env);
  await untilSo('the service serves', () => lines.some(({ url }) => url !== undefined));
  const { version } = await callerOf({ url: lines.at(-1)!.url! }).answer('CreateGrant', grantRequest());
  expect(await endOf(child, 'SIGTERM')).toBe(0);
  return { lines, version };
}

/** The server of the tests loses what it commits, of which a start warns, too. */
const notProtected = (lines: readonly Line[]) => lines.flatMap(({ unprotected }) => unprotected ?? []);

describe('with the owner’s URL beside the service’s', () => {
  test('a start migrates as the one, works as the other, and says no word of warning', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const env = { DATABASE_URL: serviceOf(ownerUrl), CREDIT_LEDGER_MIGRATE_URL: ownerUrl };

    const first = await serving(env);
    expect(first.version).toBe('1');
    expect(notProtected(first.lines)).toEqual([]);
    expect((await serving(env)).version).toBe('2');
  });

  test('a start grants what one that was killed after it had migrated did not', async () => {
    const { ownerUrl } = await testDatabase('empty');
    await migrate({ url: ownerUrl });

    const { lines } = await serving({
      DATABASE_URL: serviceOf(ownerUrl),
      CREDIT_LEDGER_MIGRATE_URL: ownerUrl,
    });
    expect(notProtected(lines)).toEqual([]);
  });

  test('a start takes away what the service’s role was granted by hand', async () => {
    const { url, ownerUrl } = await testDatabase();
    const sql = await openSql(url);
    await sql.rows(`grant delete, truncate on entries to ${userOf(url)}`);
    await sql.rows(`grant update (amount) on entries to ${userOf(url)}`);
    await serving({ DATABASE_URL: url, CREDIT_LEDGER_MIGRATE_URL: ownerUrl });

    const [may] = await sql.rows(
      `select has_table_privilege($1, 'entries', 'delete, truncate, update') as change,
         has_any_column_privilege($1, 'entries', 'update') as change_column`,
      [userOf(url)],
    );
    await sql.end();
    expect(may).toEqual({ change: false, change_column: false });
  });

  test('the owner’s URL alone is refused: nobody could be granted anything', async () => {
    const { child } = spawned('migrate', { CREDIT_LEDGER_MIGRATE_URL: migrated.ownerUrl });
    const said: string[] = [];
    child.stderr!.on('data', (data: Buffer) => said.push(String(data)));

    expect(await endOf(child)).toBe(2);
    expect(said.join('')).toMatch(/CREDIT_LEDGER_MIGRATE_URL names the owner .* DATABASE_URL does not name/);
  });
});

describe('migrated apart, by npm run migrate', () => {
  test('a start with the service’s URL alone needs no more', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const service = serviceOf(ownerUrl);
    const { code, last } = await ended('migrate', {
      DATABASE_URL: service,
      CREDIT_LEDGER_MIGRATE_URL: ownerUrl,
    });
    expect({ code, msg: last.msg }).toEqual({ code: 0, msg: 'the schema is that of this release' });

    const { lines, version } = await serving({ DATABASE_URL: service });
    expect(version).toBe('1');
    expect(notProtected(lines)).toEqual([]);
  });

  test('a start before that waits, says so, and serves once it is done', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const service = serviceOf(ownerUrl);
    const { lines } = spawned('main', { DATABASE_URL: service, CREDIT_LEDGER_DATABASE_WAIT_MS: '60000' });
    await untilSo('it says that it waits', () => lines.length > 0);
    expect(lines[0]).toMatchObject({
      msg: 'waiting for the database',
      why: expect.stringContaining('migrat'),
    });

    await ended('migrate', { DATABASE_URL: service, CREDIT_LEDGER_MIGRATE_URL: ownerUrl });
    await untilSo('it serves', () => lines.some(({ url }) => url !== undefined));
  });

  test('a start that has waited in vain says who has to do what', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const { code, last } = await ended('main', { DATABASE_URL: serviceOf(ownerUrl) });

    expect(code).toBe(1);
    expect(last.msg).toMatch(
      /has not been migrated to this release.*does not own it.*npm run migrate.*Waited 0\.1 seconds/,
    );
  });

  test('a start that has been granted nothing of a new table says so', async () => {
    const { url } = await testDatabase();
    const sql = await openSql(url);
    await sql.rows(`revoke insert on entries from ${userOf(url)}`);
    await sql.end();

    const { code, last } = await ended('main', { DATABASE_URL: url });
    expect(code).toBe(1);
    expect(last.msg).toMatch(
      /has not granted its user \(.*\) what the service needs, of entries: .*npm run migrate/,
    );
  });

  test('a start that may do more than it needs says what', async () => {
    const { url } = await testDatabase();
    const sql = await openSql(url);
    await sql.rows(`grant delete on entries to ${userOf(url)}`);
    await sql.rows('grant update on writes to public');
    await sql.end();

    const { lines } = await serving({ DATABASE_URL: url });
    expect(notProtected(lines)).toEqual(['may delete entries', 'may update writes']);
  });
});

describe('with one role for everything', () => {
  test('a start migrates with it, serves, and says in one line what is not protected', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const { lines, version } = await serving({ DATABASE_URL: ownerUrl });

    expect(version).toBe('1');
    expect(lines.filter(({ unprotected }) => unprotected !== undefined)).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: expect.stringContaining('"Two roles" in docs/operating.md'),
        role: userOf(ownerUrl),
        unprotected: ['owns the tables, so it can drop them and grant itself what is revoked'],
      }),
    ]);
  });

  test('npm run migrate migrates with it', async () => {
    const { ownerUrl } = await testDatabase('empty');
    const { code, lines } = await ended('migrate', { DATABASE_URL: ownerUrl });

    expect(code).toBe(0);
    expect(lines.some(({ msg }) => msg === 'the schema is up to date')).toBe(true);
  });
});
