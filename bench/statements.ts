import { mkdirSync } from 'node:fs';
import { commitBatch } from '../src/write/commit.ts';
import { createBookCache } from '../src/book/book-cache.ts';
import type { Submission } from '../src/write/submission.ts';
import { createClock, processTime } from '../src/db/clock.ts';
import { connect, type Connection, type Database } from '../src/db/database.ts';
import { idOf, uuidMaker } from '../src/id.ts';
import { aConsumption } from '../test/support/builders.ts';
import { aSubmission } from '../test/support/submissions.ts';
import { createBench } from './support/bench.ts';
import { CUSTOMERS, customerId, SPEND } from './support/customers.ts';
import { createPostgres } from './support/postgres.ts';

/**
 * `node bench/statements.ts [spends in a batch, 128]`: what each statement of a batch of spends takes, one sent when the
 * one before it is answered. Each also waits for its round trip: the statement `now`, which does next to nothing, says
 * how long that is. Books are kept, as they are for customers who are spent for often.
 */

const size = Number(process.argv[2] ?? 128);
const SPENDS = 20_000;

const uuids = uuidMaker(processTime);
let customer = 0;

/** For customers in turn, so that no book stands in a batch twice. */
const aBatch = (): readonly Submission[] =>
  Array.from({ length: size }, () => {
    customer = (customer + 1) % CUSTOMERS;
    const command = aConsumption({ chargeId: idOf('chg', uuids()), amount: SPEND.amount });
    return aSubmission({ command, customerId: customerId(customer), idempotencyKey: uuids() });
  });

/** The same database, its statements one after the other, and how long each has taken in all. */
function oneByOne(database: Database, took: Map<string, number>): Database {
  const timed = (connection: Connection): Connection => {
    let before: Promise<unknown> = Promise.resolve();
    return {
      run: (statement, params) => {
        const done = before.then(async () => {
          const began = performance.now();
          const rows = await connection.run(statement, params);
          took.set(statement.name, (took.get(statement.name) ?? 0) + performance.now() - began);
          return rows;
        });
        before = done.catch(() => undefined);
        return done;
      },
    };
  };
  return {
    ...database,
    transaction: (work) =>
      database.transaction((connection) => work({ ...connection, ...timed(connection) })),
  };
}

async function spend(database: Database, kept: ReturnType<typeof createBookCache>): Promise<number> {
  const batches = Math.ceil(SPENDS / size);
  for (let batch = 0; batch < batches; batch += 1) {
    const { results } = await commitBatch(
      { database, clock: createClock(), uuids, kept, leewayMs: 0 },
      aBatch(),
    );
    const refused = results.find((result) => 'error' in result);
    if (refused !== undefined) throw refused.error;
  }
  return batches * size;
}

mkdirSync('.data/bench', { recursive: true });
const postgres = await createPostgres();
const bench = createBench({ ...postgres, quick: false, say: console.log });
try {
  const database = connect({ url: await bench.database('customers'), poolSize: 1 });
  const kept = createBookCache(1_000_000);
  // Twice around, so that every book is kept and every statement planned.
  await spend(database, kept);
  const took = new Map<string, number>();
  const spends = await spend(oneByOne(database, took), kept);
  await database.close();
  const batches = spends / size;
  console.log(`\n${size} spends in a batch; µs a spend, ms a batch`);
  for (const [name, ms] of [...took].toSorted(([, a], [, b]) => b - a)) {
    const [each, whole] = [((ms / spends) * 1_000).toFixed(1), (ms / batches).toFixed(2)];
    console.log(`${each.padStart(8)} ${whole.padStart(8)}  ${name}`);
  }
} finally {
  await bench.end();
  await postgres.stop();
}
process.exit(0);
