import { commitBatch } from '../../src/write/commit.ts';
import { createBookCache } from '../../src/book/book-cache.ts';

import { makeBooks } from '../../src/tables/books.ts';
import type { Submission } from '../../src/write/submission.ts';
import type { Command } from '../../src/credit/command.ts';
import { processTime } from '../../src/db/clock.ts';
import { connect } from '../../src/db/database.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import { aConsumption, aGrant, until } from '../../test/support/builders.ts';
import { aSubmission } from '../../test/support/submissions.ts';

/**
 * Books with a long past, written by the service's own write path with a clock that steps from write to write: every
 * row, running total and hash is the one the service would have left, had it lived through it.
 *
 * A cycle takes ten minutes and leaves ten entries: a grant of 3 that is promised a minute ahead and becomes credit
 * then; three spends of 1 in even cycles; in odd ones two, and the rest expires. The last grant holds 10 and stays open.
 * At the end 5 are promised for next year.
 */

export const ENTRIES_OF_A_CYCLE = 10;
const MINUTE = 60_000;
const CYCLE = 10 * MINUTE;

export type LongBook = {
  readonly customerId: string;
  readonly cycles: number;
  /** Of its first and its last write. */
  readonly from: Instant;
  readonly until: Instant;
};

/** Writes of one transaction: enough to be quick, few enough to hold in one state. */
const BATCH = 200;

type Step = readonly [at: Instant, command: Command];

/** Writes a book whose last cycle has just ended. */
export async function writeLongBook(
  databaseUrl: string,
  customerId: string,
  cycles: number,
): Promise<LongBook> {
  const database = connect({ url: databaseUrl, poolSize: 2 });
  const uuids = uuidMaker(processTime);
  const kept = createBookCache(1_000);
  const key = { namespace: 'default', customerId };
  const from = processTime() - cycles * CYCLE;
  let last = from;
  try {
    await makeBooks(database, [key], uuids);
    for (const steps of batchesOf(stepsOf(from, cycles, uuids), BATCH)) {
      const instants = steps.map(([at]) => at);
      const submissions = steps.map(([, command]) => aSubmission({ command, customerId }) as Submission);
      // The clock is asked once for each decision, in their order.
      const { results } = await commitBatch(
        { database, uuids, kept, leewayMs: 0, clock: { reads: () => (last = instants.shift() ?? last) } },
        submissions,
      );
      const refused = results.find((result) => 'error' in result);
      if (refused !== undefined) throw refused.error;
    }
  } finally {
    await database.close();
  }
  return { customerId, cycles, from, until: last };
}

function* stepsOf(from: Instant, cycles: number, uuids: () => string): Generator<Step> {
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const at = from + cycle * CYCLE;
    const isLast = cycle === cycles - 1;
    const expires = cycle % 2 === 1 && !isLast;
    yield [
      at,
      aGrant({
        grantId: idOf('grt', uuids()),
        amount: isLast ? '10' : '3',
        effectiveAt: at + MINUTE,
        ...(expires && { expiry: until(at + 8 * MINUTE) }),
      }),
    ];
    for (let spend = 1; spend <= (expires ? 2 : 3); spend += 1) {
      yield [at + (1 + spend) * MINUTE, aConsumption({ chargeId: idOf('chg', uuids()), amount: '1' })];
    }
  }
  const at = from + (cycles - 1) * CYCLE + 5 * MINUTE;
  yield [
    at,
    aGrant({ grantId: idOf('grt', uuids()), amount: '5', effectiveAt: at + 365 * 24 * 60 * MINUTE }),
  ];
}

function* batchesOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.push(item) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
