import { sumAmounts, type Amount } from '../../src/amount.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { IS_SETTLED } from '../../src/ledger/account.ts';
import type { Sql } from '../../test/support/sql.ts';

/**
 * How the system this one succeeds reads a balance: settled is the sum of all entries there ever were, pending is found
 * by paging through all grants and looking at each. Over the same tables, with their indexes, without any RPC.
 */
export async function readLikeThePredecessor(
  sql: Sql,
  customerId: string,
): Promise<{ readonly settled: Amount; readonly pending: Amount }> {
  const shard = shardOf({ namespace: 'default', customerId });
  const [book] = await sql.rows<{ id: number; now: number }>(
    `select id, clock_timestamp() as now from books
     where shard = $1 and namespace = 'default' and customer_id = $2`,
    [shard, customerId],
  );
  const { id, now } = book!;
  const [sum] = await sql.rows<{ settled: Amount }>(
    `select coalesce(sum(e.amount), 0) as settled from entries e
     join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
     where e.shard = $1 and e.book_id = $2 and s.currency = 'USD' and e.booked_at <= $3 and ${IS_SETTLED}`,
    [shard, id, new Date(now)],
  );
  const promised: Amount[] = [];
  for (let page: Page = []; ;) {
    page = await pageAfter(sql, shard, id, page.at(-1)?.id ?? '00000000-0000-0000-0000-000000000000');
    promised.push(...page.filter((grant) => isPending(grant, now)).map(({ amount }) => amount));
    if (page.length < PAGE) return { settled: sum!.settled, pending: sumAmounts(promised) };
  }
}

/** As large as our own lists' largest. */
const PAGE = 1000;

type Page = readonly {
  readonly id: string;
  readonly amount: Amount;
  readonly phase: string;
  readonly effective_at: number;
  readonly recorded_at: number;
}[];

const pageAfter = (sql: Sql, shard: number, bookId: number, after: string): Promise<Page> =>
  sql.rows(
    `select id, amount, phase, effective_at, recorded_at from grants
     where shard = $1 and book_id = $2 and id > $3 order by id limit ${PAGE}`,
    [shard, bookId, after],
  ) as unknown as Promise<Page>;

const isPending = (grant: Page[number], now: number): boolean =>
  grant.phase === 'SCHEDULED' && grant.recorded_at <= now && grant.effective_at > now;
