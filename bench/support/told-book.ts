import { createBookCache } from '../../src/book/book-cache.ts';
import { commitBatch } from '../../src/write/commit.ts';
import { makeBooks } from '../../src/tables/books.ts';
import type { Submission } from '../../src/write/submission.ts';
import type { Command } from '../../src/credit/command.ts';
import { processTime } from '../../src/db/clock.ts';
import { connect } from '../../src/db/database.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import { aConsumption, aGrant } from '../../test/support/builders.ts';
import type { Sql } from '../../test/support/sql.ts';
import { aSubmission } from '../../test/support/submissions.ts';
import { sumUp } from '../../test/support/summed-up.ts';

/** When what happened is told: at once, a minute later, or all of it once all is over, in no order. */
export type Telling = 'on time' | 'a minute late' | 'at the end';

/** What happens again and again: credit is spent, or is granted. */
export type Happening = 'spends' | 'grants';

export type ToldBook = { readonly customerId: string; readonly from: Instant; readonly until: Instant };

const MINUTE = 60_000;
/** Writes of one transaction, as in long-book.ts. */
const BATCH = 200;

/**
 * A book to which the same happened however it was told: a large grant, and then once a minute a spend of 1, or a grant
 * of 1 that stays. Written by the service's own write path, with a clock that says when each is told; spends that are
 * told at the end are told in order, because of each one the write path reads what moved since, and then change places.
 */
export async function writeToldBook(
  { databaseUrl, sql }: { readonly databaseUrl: string; readonly sql: Sql },
  customerId: string,
  { what, count, told }: { readonly what: Happening; readonly count: number; readonly told: Telling },
): Promise<ToldBook> {
  const database = connect({ url: databaseUrl, poolSize: 2 });
  const uuids = uuidMaker(processTime);
  const kept = createBookCache(200_000);
  const from = processTime() - (count + 10) * MINUTE;
  const until = from + count * MINUTE;
  const commandAt = (at: Instant): Command =>
    what === 'spends'
      ? aConsumption({ chargeId: idOf('chg', uuids()), amount: '1', bookedAt: at })
      : aGrant({ grantId: idOf('grt', uuids()), amount: '1', effectiveAt: at });
  const happened = Array.from({ length: count }, (_, i) => from + (i + 1) * MINUTE);
  const toldAt = (at: Instant): Instant =>
    told === 'on time' ? at : told === 'a minute late' ? at + MINUTE : until + MINUTE;
  const first = aGrant({ grantId: idOf('grt', uuids()), amount: String(2 * count), effectiveAt: from });
  const steps: readonly (readonly [Instant, Command])[] = [
    [from, first],
    ...happened.map((at) => [toldAt(at), commandAt(at)] as const),
  ];
  try {
    await makeBooks(database, [{ namespace: 'default', customerId }], uuids);
    let last = from;
    for (let i = 0; i < steps.length; i += BATCH) {
      const batch = steps.slice(i, i + BATCH);
      const instants = batch.map(([at]) => at);
      // The clock is asked once for each decision, in their order.
      const { results } = await commitBatch(
        { database, uuids, kept, leewayMs: 0, clock: { reads: () => (last = instants.shift() ?? last) } },
        batch.map(([, command]) => aSubmission({ command, customerId }) as Submission),
      );
      const refused = results.find((result) => 'error' in result);
      if (refused !== undefined) throw refused.error;
    }
  } finally {
    await database.close();
  }
  if (told === 'at the end' && what === 'spends') await shuffle(sql, customerId);
  return { customerId, from, until };
}

/** Gives each spend of a book the instant of another, and sums up again what was told late. */
async function shuffle(sql: Sql, customerId: string): Promise<void> {
  const [book] = await sql.rows<{ shard: number; id: number; version: number }>(
    'select shard, id, version from books where customer_id = $1',
    [customerId],
  );
  const { shard, id: bookId, version } = book!;
  for (const table of ['transactions', 'entries', 'allocations']) {
    await sql.rows(
      `update ${table} t set booked_at = other.booked_at
       from (select version, row_number() over (order by version) as place from transactions
             where book_id = $1 and kind = 'CONSUME') own
       join (select booked_at, row_number() over (order by md5(version::text)) as place
             from (select row_number() over (order by booked_at) as version, booked_at from transactions
                   where book_id = $1 and kind = 'CONSUME') o) other using (place)
       where t.book_id = $1 and t.version = own.version`,
      [bookId],
    );
  }
  await sql.rows('delete from late_sums where book_id = $1', [bookId]);
  await sql.rows('delete from late_summed where book_id = $1', [bookId]);
  await sumUp(sql, { shard, bookId }, version);
}
