import { spanClass } from '../../src/db/span.ts';
import type { Instant } from '../../src/instant.ts';
import { repeat } from './long-past.ts';
import { at } from './requests.ts';
import type { Sql } from './sql.ts';
import { sumUp } from './summed-up.ts';

/** When spends are told: at once, a minute later, or all of them once the last was, in no order. */
export type Telling = 'on time' | 'a minute late' | 'at the end';

const MINUTE = 60_000;

/**
 * Gives a book whose last write was a spend, on time, so many more like it, one a minute, told in one of three ways. The
 * rows are as the service would have left them, but for the hash chain and what the grant and its accounts show now.
 */
export async function tellSpends(
  sql: Sql,
  customerId: string,
  { count, told }: { readonly count: number; readonly told: Telling },
): Promise<{
  readonly shard: number;
  readonly bookId: number;
  readonly version: number;
  readonly from: Instant;
}> {
  const [book] = await sql.rows<{ shard: number; id: number; version: number; clock: Instant }>(
    'select shard, id, version, clock from books where customer_id = $1',
    [customerId],
  );
  const { shard, id: bookId, version: first, clock: from } = book!;
  await repeat(sql, { bookId, after: first - 1, versions: 1, everyMs: MINUTE }, count);
  // A repeated spend has a grant of its own; these are all of the one that was there.
  for (const table of ['transactions', 'entries', 'allocations']) {
    await sql.rows(
      `update ${table} t set grant_id = own.grant_id
       from (select grant_id from entries where book_id = $1 and version = $2 and grant_id is not null limit 1) own
       where t.book_id = $1 and t.version > $2 and t.grant_id is not null`,
      [bookId, first],
    );
  }
  await sql.rows(
    `update entries e set running_total = e.running_total + e.amount * (e.version - $2),
       grant_remaining = e.grant_remaining + e.amount * (e.version - $2)
     where e.book_id = $1 and e.version > $2`,
    [bookId, first],
  );
  if (told !== 'on time') await tellLate(sql, { bookId, first, count, from, told });
  const version = first + count;
  await sumUp(sql, { shard, bookId }, version);
  return { shard, bookId, version, from };
}

async function tellLate(
  sql: Sql,
  spends: { bookId: number; first: number; count: number; from: Instant; told: Telling },
): Promise<void> {
  const { bookId, first, count, from, told } = spends;
  const end = at(from + (count + 1) * MINUTE);
  const recorded = told === 'at the end' ? '$3::timestamptz' : `t.recorded_at + interval '1 minute'`;
  for (const table of ['writes', 'transactions', 'charges']) {
    await sql.rows(
      `update ${table} t set recorded_at = ${recorded}
       where t.book_id = $1 and t.version > $2 and $3::timestamptz is not null`,
      [bookId, first, end],
    );
  }
  await sql.rows('update books set clock = $2 where id = $1', [bookId, end]);
  // Any class will do: what counts is whether there is one.
  await sql.rows('update entries set late_class = $3 where book_id = $1 and version > $2', [
    bookId,
    first,
    spanClass(0, MINUTE),
  ]);
  if (told !== 'at the end') return;
  for (const table of ['transactions', 'entries', 'allocations']) {
    await sql.rows(
      `update ${table} t set booked_at = $3::timestamptz + o.place * interval '1 minute'
       from (select v, row_number() over (order by md5(v::text)) as place
             from generate_series($2 + 1, $2 + $4::bigint) v) o
       where t.book_id = $1 and t.version = o.v`,
      [bookId, first, at(from), count],
    );
  }
}
