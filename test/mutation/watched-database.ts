import { appendFileSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { expect } from 'vitest';
import * as real from '../../src/db/database.ts';
import type { Variant } from './variants.ts';

/**
 * In the place of src/db/database.ts while SQL is tried: whatever a statement answers a test, its variants are asked as
 * well, on a connection beside it and of the same moment. One that answers otherwise has been told apart, and is not
 * asked again.
 */
export * from '../../src/db/database.ts';

const LONG_MS = 600_000;

export function connect(options: real.DatabaseOptions): real.Database {
  // While variants are asked others wait.
  const database = real.connect({ ...options, connectTimeoutMs: LONG_MS, idleInTransactionMs: LONG_MS });
  return watchedDatabase(options.url, database);
}

const watchedDatabase = (url: string, database: real.Database): real.Database => ({
  ...database,
  run: watched(url, database.run),
  transaction: (work) => database.transaction((c) => work({ ...c, run: watched(url, c.run) })),
  snapshot: (work) => database.snapshot((c) => work({ ...c, run: watched(url, c.run) })),
  until: (signal) => watchedDatabase(url, database.until(signal)),
});

type State = {
  readonly alive: ReadonlyMap<string, Set<Variant>>;
  /** The file in which is written what has been run, and what told apart by which test. */
  readonly told: string;
  readonly sides: Map<string, Promise<pg.Client>>;
  /** How often a statement has given so many rows to the test that is running. */
  readonly times: Map<string, number>;
  test: string;
  /** What takes too long is not asked again while a file of tests runs. */
  readonly slow: Set<Variant>;
  /** Its path. */
  file: string;
  last: Promise<unknown>;
};

const state = ((globalThis as { sqlMutants?: State }).sqlMutants ??= begin());

function begin(): State {
  const { variants, told } = JSON.parse(readFileSync(process.env['SQL_VARIANTS']!, 'utf8')) as {
    readonly variants: readonly Variant[];
    readonly told: string;
  };
  const alive = new Map<string, Set<Variant>>();
  for (const [statement, own] of Map.groupBy(variants, (variant) => variant.statement)) {
    alive.set(statement, new Set(own));
  }
  return {
    alive,
    told,
    sides: new Map(),
    times: new Map(),
    slow: new Set(),
    file: '',
    test: '',
    last: Promise.resolve(),
  };
}

/** Random histories run some statements thousands of times: what answers alike is asked in full so often, then each tenth time. */
const OFTEN = 10;

const watched =
  (url: string, run: real.Connection['run']): real.Connection['run'] =>
  async (sent, params = []) => {
    const rows = await run(sent, params);
    const { testPath = '', currentTestName = '' } = expect.getState();
    heedOthers(testPath);
    if (currentTestName !== state.test) state.times.clear();
    state.test = currentTestName;
    const alive = state.alive.get(sent.name);
    const alike = `${sent.name} ${Math.min(rows.length, 10)}`;
    const times = (state.times.get(alike) ?? 0) + 1;
    state.times.set(alike, times);
    if (times === 1) appendFileSync(state.told, `run\t${sent.name}\n`);
    if (alive === undefined || alive.size === 0) return rows;
    if (times > OFTEN && times % 10 > 0) return rows;
    // One at a time: the connection beside it is in one transaction.
    state.last = state.last.then(() => tryAll(url, sent, params, alive)).catch(() => undefined);
    await state.last;
    return rows;
  };

/** What another process has told apart meanwhile is not asked again: looked up once in each test file. */
function heedOthers(file: string): void {
  if (file === state.file) return;
  state.file = file;
  state.slow.clear();
  const apart = new Set(
    readFileSync(state.told, 'utf8')
      .split('\n')
      .map((line) => line.split('\t')[1]),
  );
  for (const own of state.alive.values()) {
    for (const variant of own) if (apart.has(`${variant.statement} ${variant.key}`)) own.delete(variant);
  }
}

/** As Postgres classes what goes wrong: text that is no statement, and one that its data does not suit. */
const [NO_SUCH_SQL, BAD_DATA] = ['42', '2'];

async function tryAll(
  url: string,
  { name, text }: real.Statement<unknown>,
  params: readonly unknown[],
  alive: Set<Variant>,
): Promise<void> {
  const side = await sideOf(url);
  const answer = async (sql: string, as: string) =>
    (await side.query<unknown[]>({ name: as, text: sql, values: [...params], rowMode: 'array' })).rows.map(
      (row) => JSON.stringify(row),
    );
  const comparable = (rows: string[]) => (/\border by\b/.test(text) ? rows : rows.toSorted()).join('\n');
  const beginAsOfNow = () => side.query('begin isolation level repeatable read, read only');
  await beginAsOfNow();
  try {
    const expected = comparable(await answer(text, name));
    for (const variant of alive) {
      if (state.slow.has(variant)) continue;
      const found = await answer(variant.text, `${name} ${variant.key}`).then(
        comparable,
        async (error: pg.DatabaseError) => {
          await side.query('rollback');
          await beginAsOfNow();
          return error;
        },
      );
      if (found === expected) continue;
      const { code = '', message = '' } = found instanceof Error ? found : {};
      const isBroken = code.startsWith(NO_SUCH_SQL);
      // Neither is an answer: it takes too long, or the connection is gone.
      if (found instanceof Error && !isBroken && !code.startsWith(BAD_DATA)) {
        state.slow.add(variant);
        continue;
      }
      alive.delete(variant);
      const where = state.file.replace(/.*\/test\//, '');
      const line = [isBroken ? 'broken' : 'told', `${variant.statement} ${variant.key}`, where, message];
      appendFileSync(state.told, `${line.join('\t')}\n`);
    }
  } finally {
    await side.query('rollback');
  }
}

function sideOf(url: string): Promise<pg.Client> {
  const known = state.sides.get(url);
  if (known !== undefined) return known;
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: () => (value: unknown) => value },
    options:
      '-c timezone=UTC -c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c statement_timeout=2000',
  });
  // The database of a test goes with its connections.
  client.on('error', () => state.sides.delete(url));
  const connected = client.connect().then(() => client);
  state.sides.set(url, connected);
  return connected;
}
