import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { live } from './fill.ts';
import { FILLED, pack, type Filled } from './filled.ts';
import { askEverything, followNamespaces, verifyAll } from './reads.ts';
import type * as MigrateModule from '../../src/db/migrate.ts';
import type * as StartModule from '../../src/embedded/start.ts';
import type * as ClockModule from '../support/clock.ts';
import type * as ServiceModule from '../support/service.ts';
import type * as SqlModule from '../support/sql.ts';

/**
 * `node test/upgrade/make.ts <checkout>`: lets the service of another checkout, with its packages, fill a database and
 * answer questions about it; both go to filled.json.br, for upgrade.test.ts. To be run with the release before, when a
 * release changes the schema.
 */

const checkout = resolve(process.argv[2] ?? '');
/** A module of that release; what this one exports tells its type. */
const of = <Module>(path: string): Promise<Module> =>
  import(pathToFileURL(join(checkout, path)).href) as Promise<Module>;

const { startEmbeddedPostgres } = await of<typeof StartModule>('src/embedded/start.ts');
const { migrate } = await of<typeof MigrateModule>('src/db/migrate.ts');
const { testService, call } = await of<typeof ServiceModule>('test/support/service.ts');
const { testClock } = await of<typeof ClockModule>('test/support/clock.ts');
const { openSql } = await of<typeof SqlModule>('test/support/sql.ts');

const dataDir = mkdtempSync(join(tmpdir(), 'filled-'));
const postgres = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } });
try {
  // A release of before has one role for everything.
  const databaseUrl = (postgres as Partial<typeof postgres>).ownerUrl ?? postgres.url;
  await migrate({ url: databaseUrl });
  const sql = await openSql(databaseUrl);
  const time = testClock();
  const service = await testService(databaseUrl, { clock: time.clock });
  const world = { url: service.url, databaseUrl, time, call, sql };
  const again = await live(world, of);
  const reads = await askEverything(world, again);
  const feeds = await followNamespaces(world, of);
  const filled: Filled = {
    migrations: readdirSync(join(checkout, 'migrations')).filter((name) => name.endsWith('.ts')),
    now: time.now,
    rows: await rowsOf(sql),
    reads,
    feeds,
    verified: await verifyAll(world, of),
  };
  await service.stop();
  await sql.end();
  const packed = pack(filled);
  writeFileSync(FILLED, packed);
  console.log(`${reads.length} answers, ${packed.length} bytes`);
} finally {
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
}

/** By table, as the text of a JSON array: numbers that JavaScript has none for stay what they are. */
async function rowsOf(sql: Awaited<ReturnType<typeof openSql>>): Promise<Filled['rows']> {
  const tables = await sql.rows<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'knex%' order by 1`,
  );
  const rows: Record<string, string> = {};
  for (const { name } of tables) {
    const [all] = await sql.rows<{ json: string }>(
      `select coalesce(json_agg(to_json(t) order by t.ctid), '[]')::text as json from ${name} t`,
    );
    rows[name] = all!.json;
  }
  return rows;
}
