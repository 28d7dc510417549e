import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, statement, type Database, type DatabaseOptions } from '../../src/db/database.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';
import { untilSo } from '../support/until.ts';

/** A caller that waits no longer costs the database nothing more, and nobody else anything. */

const { url } = await testDatabase('empty');
const sql = await openSql(url);
afterAll(() => sql.end());
await sql.rows('create table things (id int primary key)');

const PID = statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid');
const SLEEP = statement<never>('sleep_a_minute', 'select pg_sleep(60)');
const ADD = statement<never>('add_thing', 'insert into things values ($1)');
const ONE = statement<{ one: number }>('one', 'select 1 as one');

const gone = new Error('the caller has left');
const caller = () => {
  const controller = new AbortController();
  return { signal: controller.signal, leave: () => controller.abort(gone) };
};

function pool(options: Partial<DatabaseOptions> = {}): Database {
  const database = connect({ url, poolSize: 1, ...options });
  onTestFinished(() => database.close());
  return database;
}

const pidOf = async (database: Pick<Database, 'run'>) => (await database.run(PID))[0]!.pid;

/** What the session is doing right now. */
const isAsleep = async (pid: number) => {
  const text = `select 1 from pg_stat_activity where pid = $1 and state = 'active' and query like '%pg_sleep%'`;
  return (await sql.rows(text, [pid])).length > 0;
};

/** Holds a connection until `free` is called. */
async function hold(database: Database): Promise<{ free(): Promise<void> }> {
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = database.snapshot(async (connection) => {
    await connection.run(ONE);
    begun.resolve();
    await over.promise;
  });
  await begun.promise;
  return {
    async free() {
      over.resolve();
      await holding;
    },
  };
}

const ASKED: readonly [what: string, ask: (database: Database) => Promise<unknown>][] = [
  ['a statement', (database) => database.run(SLEEP)],
  ['a snapshot', (database) => database.snapshot((connection) => connection.run(SLEEP))],
  ['a transaction', (database) => database.transaction((connection) => connection.run(ADD, [1]))],
];

describe('a caller that has left', () => {
  test.each(ASKED)('is not begun for: %s', async (_, ask) => {
    const seen: string[] = [];
    const database = pool({ onStatement: ({ name }) => seen.push(name) });
    const { signal, leave } = caller();
    leave();

    await expect(ask(database.until(signal))).rejects.toBe(gone);
    expect(seen).toEqual([]);
  });

  test.each(ASKED)('leaves the line for a connection: %s', async (_, ask) => {
    const seen: string[] = [];
    const database = pool({ onStatement: ({ name }) => seen.push(name) });
    const held = await hold(database);
    const before = seen.length;
    const { signal, leave } = caller();
    const asked = ask(database.until(signal));
    leave();

    await expect(asked).rejects.toBe(gone);
    expect(seen.slice(before)).toEqual([]);
    await held.free();
    expect(await database.run(ONE)).toEqual([{ one: 1 }]);
  });

  test.each(ASKED.slice(0, 2))(
    'is no longer worked for, and its connection serves the next: %s',
    async (_, ask) => {
      const database = pool();
      const pid = await pidOf(database);
      const { signal, leave } = caller();
      const asked = ask(database.until(signal));
      await untilSo('it sleeps', () => isAsleep(pid));
      leave();

      await expect(asked).rejects.toBe(gone);
      expect(await isAsleep(pid)).toBe(false);
      expect(await pidOf(database)).toBe(pid);
    },
  );

  test('has nothing more asked in its name', async () => {
    const seen: string[] = [];
    const database = pool({ onStatement: ({ name }) => seen.push(name) });
    const { signal, leave } = caller();
    const work = database.until(signal).snapshot(async (connection) => {
      await connection.run(ONE);
      leave();
      return connection.run(SLEEP);
    });

    await expect(work).rejects.toBe(gone);
    expect(seen).not.toContain('sleep_a_minute');
    expect(await database.run(ONE)).toEqual([{ one: 1 }]);
  });

  test('takes along what it had sent behind what is canceled', async () => {
    const database = pool();
    const { signal, leave } = caller();
    const pid = await pidOf(database);
    const work = database.until(signal).snapshot(async (connection) => {
      const first = connection.run(SLEEP);
      await untilSo('it sleeps', () => isAsleep(pid));
      // They wait for the answer of the first, so they have not been sent.
      const behind = [connection.run(SLEEP), connection.run(SLEEP)];
      leave();
      return Promise.all([first, ...behind]);
    });

    await expect(work).rejects.toBe(gone);
    expect(await pidOf(database)).toBe(pid);
  });

  test('cannot stop a transaction that has begun', async () => {
    const database = pool();
    const { signal, leave } = caller();
    await database.until(signal).transaction(async (connection) => {
      await connection.run(ADD, [2]);
      leave();
      await connection.run(ADD, [3]);
    });

    expect(await sql.rows('select id from things where id in (2, 3) order by id')).toEqual([
      { id: 2 },
      { id: 3 },
    ]);
  });

  test('may be one of two who wait for the same', async () => {
    const database = pool();
    const [near, far] = [caller(), caller()];
    const both = database.until(far.signal).until(near.signal);
    expect(await both.run(ONE)).toEqual([{ one: 1 }]);
    far.leave();

    await expect(both.run(ONE)).rejects.toBe(gone);
  });
});

describe('whoever gets the connection next', () => {
  test('is never hit by what was meant for the one before', { timeout: 120_000 }, async () => {
    const database = pool({ poolSize: 2 });
    const BRIEF = statement<{ one: number }>('brief', 'select 1 as one from pg_sleep($1 / 10000.0)');
    const outcomes = { answered: 0, left: 0 };
    const turns = async (count: number) => {
      for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
    };

    async function hammer(seed: number): Promise<void> {
      for (let i = 0; i < 150; i += 1) {
        const { signal, leave } = caller();
        const asked = database.until(signal).run(BRIEF, [(i * seed) % 17]);
        const left = turns((i * (seed + 2)) % 23).then(leave);
        await asked.then(
          () => (outcomes.answered += 1),
          (error: unknown) => {
            expect(error).toBe(gone);
            outcomes.left += 1;
          },
        );
        await left;
        // Nobody has canceled these.
        expect(await database.run(BRIEF, [i % 3])).toEqual([{ one: 1 }]);
        await database.snapshot(async (connection) => {
          expect(await connection.run(BRIEF, [1])).toEqual([{ one: 1 }]);
        });
      }
    }
    await Promise.all([1, 3, 5, 7].map(hammer));

    expect(outcomes.answered).toBeGreaterThan(0);
    expect(outcomes.left).toBeGreaterThan(0);
  });
});
