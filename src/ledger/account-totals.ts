import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { subAccountKey, type AccountType, type SubAccount } from './account.ts';
import type { JournalPoint } from './history.ts';
import { toldOfAccounts } from './late-told.ts';
import type { Leg } from './posting.ts';
import { readSubAccount } from './store.ts';

/** What sub-accounts hold at an instant as known at a version: the formula of history.ts for every account, set-based. */

/** Which accounts are asked about. */
export type AccountFilter = {
  /** Empty: all. */
  readonly types: readonly AccountType[];
  /** Null: all. */
  readonly currency: string | null;
};

export type AccountTotal = {
  /** Null: it is not in the journal yet, or several books are added up. */
  readonly id: string | null;
  readonly account: SubAccount;
  readonly amount: Amount;
};

/** `booked`: it has an entry at the instant; before its first one it is known, and holds nothing. */
export type KnownAccount = AccountTotal & { readonly id: string; readonly booked: boolean };

type RouteRow = Parameters<typeof readSubAccount>[0] & { amount: Amount };

const ROUTE =
  's.type, s.currency, s.feature_keys, s.priority, s.cost_basis, s.stage, s.tax_code, s.tax_behavior';

// $2–$4 are the books, each with v(T) and V.
const HELD = `
  with book as (
    select * from unnest($2::uuid[], $3::bigint[], $4::bigint[]) b (id, recorded_by, version)
  ), accounts as materialized (
    select s.*, b.recorded_by, b.version as known_version
    from book b
    join sub_accounts s on s.shard = $1 and s.book_id = b.id
      and (cardinality($6::text[]) = 0 or s.type = any($6)) and ($7::text is null or s.currency = $7)
  ), late as materialized (
    select told.id, sum(told.amount) as amount
    from book b
    cross join lateral (${toldOfAccounts({
      ...{ book: 'b.id', after: 'b.recorded_by', through: 'b.version', at: '$5::timestamptz' },
    })}) told
    group by told.id
  ), held as (
    select s.*, base.running_total is not null or late.amount is not null as booked,
           coalesce(base.running_total, 0) + coalesce(late.amount, 0) as amount
    from accounts s
    left join lateral (
      select e.running_total from entries e
      where e.shard = $1 and e.book_id = s.book_id and e.sub_account = s.ordinal and e.version <= s.recorded_by
      order by e.version desc, e.position desc limit 1
    ) base on true
    left join late on late.id = s.id
  )`;

const OF_BOOK = statement<RouteRow & { id: string; booked: boolean }>(
  'account_totals',
  `${HELD}
   select s.id, s.booked, s.amount, ${ROUTE} from held s
   -- one probe where it is needed: as "or exists" Postgres may read all entries to answer it
   left join lateral (
     select e.version from entries e
     where not s.booked
       and e.shard = $1 and e.book_id = s.book_id and e.sub_account = s.ordinal and e.version <= s.known_version
     order by e.version, e.position limit 1
   ) later on true
   where s.booked or later.version is not null`,
);

const OF_BOOKS = statement<RouteRow>(
  'account_totals_of_books',
  `${HELD} select ${ROUTE}, sum(s.amount) as amount from held s where s.booked group by ${ROUTE}`,
);

/** A book and where a question stands in it: v(T), and the version known. */
export type BookPoint = Pick<JournalPoint, 'bookId' | 'recordedBy' | 'version'>;

/** The sub-accounts of a book that are known at the point, in no particular order. */
export async function accountTotals(
  connection: Connection,
  { shard, at, ...book }: JournalPoint,
  filter: AccountFilter,
): Promise<readonly KnownAccount[]> {
  const rows = await connection.run(OF_BOOK, parameters(shard, [book], at, filter));
  return rows.map((row) => ({
    id: idOf('acc', row.id),
    account: readSubAccount(row),
    amount: row.amount,
    booked: row.booked,
  }));
}

/** Those of many books of a shard that have an entry by the instant (inclusive), added up by route. */
export async function accountTotalsOfBooks(
  connection: Connection,
  shard: number,
  books: readonly BookPoint[],
  at: Instant,
  filter: AccountFilter,
): Promise<readonly AccountTotal[]> {
  if (books.length === 0) return [];
  const rows = await connection.run(OF_BOOKS, parameters(shard, books, at, filter));
  return rows.map((row) => ({ id: null, account: readSubAccount(row), amount: row.amount }));
}

const parameters = (
  shard: number,
  books: readonly BookPoint[],
  at: Instant,
  { types, currency }: AccountFilter,
): readonly unknown[] => [
  shard,
  ...[books.map((book) => book.bookId), books.map((book) => book.recordedBy)],
  ...[books.map((book) => book.version), timestamp(at)],
  ...[types, currency],
];

/** Totals by route, to which others and the legs of postings that are not in the journal yet can be added. */
export type Totals = Map<string, AccountTotal>;

export function addTotals(totals: Totals, more: readonly AccountTotal[]): Totals {
  for (const one of more) {
    const key = subAccountKey(one.account);
    const there = totals.get(key);
    totals.set(key, there === undefined ? one : { ...there, amount: there.amount + one.amount });
  }
  return totals;
}

/** Adds those legs that the filter asks for. */
export const addLegs = (totals: Totals, legs: readonly Leg[], { types, currency }: AccountFilter): Totals =>
  addTotals(
    totals,
    legs
      .filter(
        ({ account }) =>
          (types.length === 0 || types.includes(account.type)) &&
          (currency === null || account.currency === currency),
      )
      .map(({ account, amount }) => ({ id: null, account, amount })),
  );
