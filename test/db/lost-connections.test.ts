import { afterAll, expect, onTestFinished, test } from 'vitest';
import { connect, statement } from '../../src/db/database.ts';
import { audit } from '../support/audit.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';
import { untilSomebodyWaits } from '../support/lock-waits.ts';

/** A restart of the database must cost answers, never the process. */
const { caller, sql, databaseUrl } = await testWorld();
const database = connect({ url: databaseUrl, poolSize: 1 });
afterAll(() => database.close());

const others = `pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;

/** What would have ended the process. */
function uncaught(): readonly unknown[] {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  return errors;
}

test('a connection lost between two statements of a transaction fails that transaction alone', async () => {
  const errors = uncaught();
  const lost = database.transaction(async (connection) => {
    const [row] = await connection.run(statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid'));
    await sql.rows('select pg_terminate_backend($1, 5000)', [row!.pid]);
    // The server's goodbye arrives while nothing is asked of it.
    await sql.rows('select 1');
    await connection.run(statement('one', 'select 1'));
  });

  await expect(lost).rejects.toThrow(/terminat|closed|EPIPE|ECONNRESET|queryable/);
  expect(await database.run(statement('two', 'select 2 as value'))).toEqual([{ value: 2 }]);
  expect(errors).toEqual([]);
});

test('a database that cuts every connection under load costs answers, not the process', async () => {
  const errors = uncaught();
  const spends = Array.from({ length: 300 }, (_, i) =>
    spendRequest({ customerId: `c ${i % 30}`, amount: '1', ...CREDIT_ONLY, idempotencyKey: `key ${i}` }),
  );
  const outcomes: string[] = [];
  for (let from = 0; from < spends.length; from += 100) {
    // Somebody else holds all books, so that some writes are under way for certain.
    await sql.rows('begin');
    await sql.rows('lock table books in exclusive mode');
    const asked = spends.slice(from, from + 100).map((spend) => caller.result('ConsumeCredits', spend));
    await untilSomebodyWaits(databaseUrl);
    await sql.rows(`select pg_terminate_backend(pid) from ${others}`);
    await sql.rows('rollback');
    for (const result of await Promise.all(asked)) outcomes.push(result.ok ? 'done' : result.error.reason!);
  }

  expect(new Set(outcomes)).toEqual(new Set(['done', 'DATABASE_UNAVAILABLE']));
  const repeated = await Promise.all(spends.map((spend) => caller.answer('ConsumeCredits', spend)));
  expect(repeated.filter((answer, i) => outcomes[i] === 'done' && answer['replayed'] !== true)).toEqual([]);
  expect(await sql.rows('select count(*) from writes')).toEqual([{ count: 300 }]);
  expect(await audit(sql)).toEqual([]);
  expect(errors).toEqual([]);
});
