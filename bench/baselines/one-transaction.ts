import { createHash, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import {
  formatAmount,
  minAmount,
  parseAmount,
  parseNumeric,
  sumAmounts,
  type Amount,
} from '../../src/amount.ts';
import { shardOf } from '../../src/tables/book-key.ts';

/**
 * A spend the usual way: a database transaction of its own, by Knex, for each request. It leaves the same rows as the
 * service (test it: `npm run bench -- writes` compares them), under the same lock, and is written as well as that way
 * allows: one statement to lock, one to load, one that stores all rows, all of them prepared, so five round trips with
 * begin and commit. It knows prepaid spends of promotional, unrestricted credit on a route in use, and nothing else.
 */

export type Spend = {
  readonly customerId: string;
  readonly idempotencyKey: string;
  readonly currency: string;
  readonly amount: string;
  readonly name: string;
};

export type Spent = {
  readonly chargeId: string;
  readonly allocations: readonly { readonly grantId: string; readonly amount: string }[];
  readonly settled: string;
  readonly version: number;
  readonly recordedAt: Date;
};

/** `encode` turns the answer into the bytes a repeat would be answered with. */
export function spendInOneTransaction(
  knex: Knex,
  spend: Spend,
  request: Uint8Array,
  encode: (spent: Spent) => Uint8Array,
): Promise<Spent> {
  const shard = shardOf({ namespace: 'default', customerId: spend.customerId });
  return knex.transaction(async (trx) => {
    const book = await lockBook(trx, shard, spend);
    const grants = await loadGrants(trx, shard, book, spend);
    const taken = take(grants, parseAmount(spend.amount));
    const settled = sumAmounts(grants.map((grant) => grant.remaining)) - parseAmount(spend.amount);
    const spent: Spent = {
      chargeId: randomUUID(),
      allocations: taken.map(({ grant, amount }) => ({ grantId: grant.id, amount: formatAmount(amount) })),
      settled: formatAmount(settled),
      version: Number(book.version) + 1,
      recordedAt: book.now,
    };
    await store(trx, shard, { book, spend, spent, taken, request, answer: encode(spent) });
    return spent;
  });
}

type Book = { readonly id: string; readonly version: string; readonly head_hash: Buffer; readonly now: Date };

const run = async <Row>(trx: Knex, name: string, sql: string, bindings: readonly unknown[]): Promise<Row[]> =>
  ((await trx.raw(sql, bindings as Knex.RawBinding[]).options({ name })) as { rows: Row[] }).rows;

async function lockBook(trx: Knex, shard: number, { customerId, idempotencyKey }: Spend): Promise<Book> {
  const [book] = await run<Book & { repeated: boolean }>(
    trx,
    'lock_book',
    `select b.id, b.version, b.head_hash, coalesce(w.idempotency_key, i.key) is not null as repeated,
            greatest(date_trunc('milliseconds', clock_timestamp()), b.clock) as now
     from books b
     left join writes w on w.shard = b.shard and w.book_id = b.id and w.idempotency_key = ?
     left join idempotency i on i.shard = b.shard and i.book_id = b.id and i.key = ?
     where b.shard = ? and b.namespace = 'default' and b.customer_id = ?
     for update of b`,
    [idempotencyKey, idempotencyKey, shard, customerId],
  );
  if (book === undefined || book.repeated)
    throw new Error('no such customer, or a repeat: neither is measured');
  return book;
}

type Grant = {
  readonly id: string;
  readonly remaining: Amount;
  readonly consumed: Amount;
  readonly fbo: number;
  readonly held: Amount;
  readonly accrued: number;
  readonly owed: Amount;
};
type GrantRow = { readonly [Column in keyof Grant]: Grant[Column] extends Amount ? string : Grant[Column] };

/** What can be spent, in burn order, each with its sub-accounts and their running totals. */
async function loadGrants(trx: Knex, shard: number, book: Book, spend: Spend): Promise<readonly Grant[]> {
  const last = (of: string) => `(select e.running_total from entries e
      where e.shard = g.shard and e.book_id = g.book_id and e.sub_account = ${of}.ordinal
      order by e.version desc, e.position desc limit 1)`;
  const rows = await run<GrantRow>(
    trx,
    'load_grants',
    `select g.id, g.remaining, g.consumed, f.ordinal as fbo, ${last('f')} as held,
            a.ordinal as accrued, ${last('a')} as owed
     from grants g
     join sub_accounts f on f.shard = g.shard and f.book_id = g.book_id and f.type = 'CUSTOMER_FBO'
       and f.currency = g.currency and f.priority = g.priority and f.cost_basis = g.cost_basis
     join sub_accounts a on a.shard = g.shard and a.book_id = g.book_id and a.type = 'CUSTOMER_ACCRUED'
       and a.currency = g.currency and a.cost_basis = g.cost_basis
     where g.shard = ? and g.book_id = ? and g.closed_version is null and g.phase = 'CREDIT'
       and g.currency = ? and g.expires_at > ? and g.feature_keys = '{}'
     order by g.priority, g.expires_at, g.effective_at, g.id`,
    [shard, book.id, spend.currency, book.now],
  );
  return rows.map((row) => ({
    ...row,
    remaining: parseNumeric(row.remaining),
    consumed: parseNumeric(row.consumed),
    held: parseNumeric(row.held),
    owed: parseNumeric(row.owed),
  }));
}

type Taken = { readonly grant: Grant; readonly amount: Amount };

function take(grants: readonly Grant[], amount: Amount): readonly Taken[] {
  let left = amount;
  const taken: Taken[] = [];
  for (const grant of grants) {
    const part = minAmount(left, grant.remaining);
    if (part > 0n) taken.push({ grant, amount: part });
    left -= part;
  }
  if (left > 0n) throw new Error('there is less credit than was asked for: not measured');
  return taken;
}

type Storing = {
  readonly book: Book;
  readonly spend: Spend;
  readonly spent: Spent;
  readonly taken: readonly Taken[];
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
};

const STORE = `
  with x as (select ?::smallint as shard, ?::bigint as book_id, ?::bigint as version, ?::timestamptz as now,
      ?::text as key, ?::uuid as charge, ?::text as currency, ?::numeric as amount, ?::text as name,
      ?::bytea as hash),
    s as (select * from unnest(?::uuid[], ?::numeric[], ?::numeric[], ?::numeric[], ?::integer[], ?::numeric[],
      ?::integer[], ?::numeric[]) with ordinality
      s (grant_id, amount, remaining, consumed, fbo, held, accrued, owed, position)),
    w as (insert into writes (shard, book_id, version, recorded_at, method, idempotency_key, request, answer)
      select shard, book_id, version, now, 'ConsumeCredits', key, ?::bytea, ?::bytea from x),
    g as (update grants g set remaining = s.remaining, consumed = s.consumed,
        closed_version = case when s.remaining = 0 then x.version end,
        span_class = case when s.remaining = 0 then floor(log(4, x.version - g.version)) end
      from x, s where g.shard = x.shard and g.book_id = x.book_id and g.id = s.grant_id),
    c as (insert into charges (shard, book_id, id, version, recorded_at, idempotency_key, type, settlement_mode,
        currency, precision, amount, name, description, labels, starts_at, hold_expires_at, status, closed_at,
        collections, collected, advanced, invoiced, closed_version)
      select shard, book_id, charge, version, now, key, 'FLAT_FEE', 'PREPAID_ONLY', currency, 2, amount, name, '',
        '{}', now, 'infinity', 'FINAL', now, 1, amount, 0, 0, version from x),
    t as (insert into transactions (shard, book_id, version, ordinal, id, kind, booked_at, recorded_at, grant_id,
        charge_id, hash, first_position, sub_accounts)
      select shard, book_id, version, 1, ?::uuid, 'CONSUME', now, now,
        (select min(grant_id::text)::uuid from s having count(*) = 1), charge, hash,
        1, (select array_agg(side.account order by s.position, side.number)
            from s cross join lateral (values (1, s.fbo), (2, s.accrued)) side (number, account)) from x),
    e as (insert into entries (shard, book_id, version, position, transaction, sub_account, kind, amount,
        running_total, grant_id, grant_remaining, charge_id, booked_at)
      select shard, book_id, version, position * 2 - 1, 1, fbo, 'CONSUME', -s.amount, held, grant_id, remaining,
        charge, now from x, s
      union all
      select shard, book_id, version, position * 2, 1, accrued, 'CONSUME', s.amount, owed, grant_id, null,
        charge, now from x, s)
  update books b set version = x.version, clock = x.now, head_hash = x.hash
  from x where b.shard = x.shard and b.id = x.book_id`;

async function store(trx: Knex, shard: number, storing: Storing): Promise<void> {
  const { book, spend, spent, taken, request, answer } = storing;
  const { chargeId, version, recordedAt } = spent;
  const each = (of: (taken: Taken) => unknown) => taken.map(of);
  const content = [version, recordedAt.getTime(), 'CONSUME', chargeId, spent.allocations];
  const hash = createHash('sha256').update(book.head_hash).update(JSON.stringify(content)).digest();
  await run(trx, 'store_spend', STORE, [
    shard,
    book.id,
    version,
    recordedAt,
    spend.idempotencyKey,
    chargeId,
    spend.currency,
    spend.amount,
    spend.name,
    hash,
    each(({ grant }) => grant.id),
    each(({ amount }) => formatAmount(amount)),
    each(({ grant, amount }) => formatAmount(grant.remaining - amount)),
    each(({ grant, amount }) => formatAmount(grant.consumed + amount)),
    each(({ grant }) => grant.fbo),
    each(({ grant, amount }) => formatAmount(grant.held - amount)),
    each(({ grant }) => grant.accrued),
    each(({ grant, amount }) => formatAmount(grant.owed + amount)),
    Buffer.from(request),
    Buffer.from(answer),
    randomUUID(),
  ]);
}

/** A pool as large as the service's own. */
export const POOL_SIZE = 10;
