import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, statement } from '../../src/db/database.ts';
import { classify, type Failure } from '../../src/db/failure.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql, type Sql } from '../support/sql.ts';

/** What an error means for the caller, by what Postgres and the network really say. */

const { url } = await testDatabase('empty');
const [one, two] = [await openSql(url), await openSql(url)];
afterAll(() => Promise.all([one.end(), two.end()]));

beforeAll(async () => {
  await one.rows('create table things (id int primary key, size int constraint positive check (size > 0))');
  await one.rows('insert into things values (1, 1), (2, 1)');
});

const errorOf = (failing: Promise<unknown>): Promise<unknown> =>
  failing.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error,
  );

const lockOther = async (sql: Sql, id: number) => {
  try {
    return await sql.rows('select 1 from things where id = $1 for update', [id]);
  } finally {
    await sql.rows('rollback');
  }
};

/** Two transactions, each waiting for what the other has locked; one of them is ended. */
async function deadlock(): Promise<unknown> {
  await Promise.all([one.rows('begin'), two.rows('begin')]);
  await Promise.all([
    one.rows('select 1 from things where id = 1 for update'),
    two.rows('select 1 from things where id = 2 for update'),
  ]);
  const results = await Promise.allSettled([lockOther(one, 2), lockOther(two, 1)]);
  return results.find((result) => result.status === 'rejected')?.reason;
}

/** Two repeatable-read transactions that change the same row. */
async function serialization(): Promise<unknown> {
  await one.rows('begin isolation level repeatable read');
  await one.rows('select * from things');
  await two.rows('update things set size = size + 1 where id = 1');
  const error = await errorOf(one.rows('update things set size = size + 1 where id = 1'));
  await one.rows('rollback');
  return error;
}

async function lockTimeout(): Promise<unknown> {
  await one.rows('begin');
  await one.rows('select 1 from things where id = 1 for update');
  const error = await errorOf(two.rows('select 1 from things where id = 1 for update nowait'));
  await one.rows('rollback');
  return error;
}

async function terminated(): Promise<unknown> {
  const victim = await openSql(url);
  const [row] = await victim.rows<{ pid: number }>('select pg_backend_pid() as pid');
  const sleeping = errorOf(victim.rows('select pg_sleep(60)'));
  await one.rows('select pg_terminate_backend($1)', [row!.pid]);
  return sleeping;
}

/** A second statement on a connection that the server has closed. */
async function lost(): Promise<unknown> {
  const victim = await openSql(url);
  const [row] = await victim.rows<{ pid: number }>('select pg_backend_pid() as pid');
  await one.rows('select pg_terminate_backend($1)', [row!.pid]);
  await errorOf(victim.rows('select 1'));
  return errorOf(victim.rows('select 1'));
}

const at = (database: string) => connect({ url: database, poolSize: 1, statementTimeoutMs: 20 });
const run = (database: string, text: string) => errorOf(at(database).run(statement(text, text)));

const ERRORS: readonly [what: string, failure: Failure, provoke: () => Promise<unknown>][] = [
  ['a deadlock', 'conflict', deadlock],
  ['a lost update', 'conflict', serialization],
  ['a lock that is taken', 'conflict', lockTimeout],
  ['a row that is there already', 'fault', () => errorOf(one.rows('insert into things values (1, 1)'))],
  ['an ended session', 'unavailable', terminated],
  ['a closed connection', 'unavailable', lost],
  ['a server nobody runs', 'unavailable', () => run('postgres://nobody@127.0.0.1:1/none', 'select 1')],
  [
    'a socket that is not there',
    'unavailable',
    () => run('postgres://nobody@/none?host=/nowhere', 'select 1'),
  ],
  ['a statement that takes too long', 'slow', () => run(url, 'select pg_sleep(60)')],
  ['a lock that somebody holds', 'conflict', lockHeld],
  ['a pool that is full', 'busy', fullPool],
  ['a server that takes no more', 'unavailable', fullServer],
  ['a session ended for idling in a transaction', 'unavailable', idle],
  ['a database that only reads', 'unavailable', readOnly],
  ['a broken rule', 'fault', () => errorOf(one.rows('insert into things values (3, 0)'))],
  ['a text it cannot hold', 'fault', () => errorOf(one.rows('select $1::text', ['\0']))],
  ['a mistake of ours', 'fault', () => errorOf(one.rows('select nothing'))],
];

async function lockHeld(): Promise<unknown> {
  const waiting = connect({ url, poolSize: 1, lockTimeoutMs: 20 });
  await one.rows('begin');
  await one.rows('lock table things in access exclusive mode');
  const error = await errorOf(waiting.run(statement('waiting', 'select 1 from things')));
  await one.rows('rollback');
  await waiting.close();
  return error;
}

async function fullPool(): Promise<unknown> {
  const pool = connect({ url, poolSize: 1, connectTimeoutMs: 1_000 });
  const held = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const holding = pool.transaction(() => {
    began.resolve();
    return held.promise;
  });
  await began.promise;
  const error = await errorOf(pool.run(statement('one_more', 'select 1')));
  held.resolve();
  await holding;
  await pool.close();
  return error;
}

/** A database that takes no more connections than it has. */
async function fullServer(): Promise<unknown> {
  const [{ name }] = (await one.rows('select current_database() as name')) as [{ name: string }];
  await one.rows(`alter database ${name} connection limit 1`);
  const late = connect({ url, poolSize: 1 });
  const error = await errorOf(late.run(statement('one_more', 'select 1')));
  await one.rows(`alter database ${name} connection limit -1`);
  await late.close();
  return error;
}

/** A transaction that holds a lock, and whose process is frozen until the server has ended it. */
async function idle(): Promise<unknown> {
  const frozen = connect({ url, poolSize: 1, idleInTransactionMs: 20 });
  const error = await errorOf(
    frozen.transaction(async (connection) => {
      await connection.run(statement('hold', 'select 1 from things where id = 1 for update'));
      await one.rows('select 1 from things where id = 1 for update');
      return connection.run(statement('go_on', 'select 1'));
    }),
  );
  await frozen.close();
  return error;
}

async function readOnly(): Promise<unknown> {
  await one.rows('begin read only');
  const error = await errorOf(one.rows('insert into things values (9, 1)'));
  await one.rows('rollback');
  return error;
}

describe('a failure', () => {
  test.each(ERRORS)('%s is a %s', async (_, failure, provoke) => {
    expect(classify(await provoke())).toBe(failure);
  });

  test.each([new Error('a bug'), new TypeError('x is not a function'), 'a text', undefined])(
    'that is not of the database is a fault: %s',
    (error) => {
      expect(classify(error)).toBe('fault');
    },
  );
});
