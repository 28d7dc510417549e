import type { Amount } from '../amount.ts';
import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook, Placed } from '../db/placement.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { subAccountKey, type AccountType, type SubAccount } from './account.ts';
import { heldAt, KNOWN_BOOK, POINT, type JournalPoint } from './as-of.ts';
import type { Leg } from './posting.ts';
import { SUB_ACCOUNT } from './sub-accounts.ts';

/** What sub-accounts hold at an instant as known at a version, of one book or of many. */

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

export type RouteTotalRow = Row<SubAccount> & { amount: Amount };

export const readRouteTotal = (row: RouteTotalRow): AccountTotal => ({
  id: null,
  account: SUB_ACCOUNT.read(row),
  amount: row.amount,
});

/** Of a row `s` of `sub_accounts`. */
export const ROUTE = SUB_ACCOUNT.select('s');

const FILTER = { types: 'text[]', currency: 'text' } as const;
const isAsked = (p: Readonly<Record<keyof typeof FILTER, string>>): string => `
  (cardinality(${p.types}) = 0 or s.type = any(${p.types})) and (${p.currency} is null or s.currency = ${p.currency})`;

const ofBook = parameters({ ...POINT, ...FILTER });

// Of a sub-account `s`.
const firstEntry = (
  { shard, version }: Readonly<Record<'shard' | 'version', string>>,
  where = 'true',
): string => `
  select e.version from entries e
  where e.shard = ${shard} and e.book_id = s.book_id and e.sub_account = s.ordinal and e.version <= ${version} and ${where}
  order by e.version, e.position limit 1`;

const OF_BOOK = statement<RouteTotalRow & { id: string; booked: boolean }>(
  'account_totals',
  `with ${heldAt({
    shard: ofBook.shard,
    points: `select ${ofBook.bookId} as book_id, ${ofBook.asOf} as as_of, ${ofBook.recordedBy} as recorded_by, ${ofBook.version} as version`,
    accounts: isAsked(ofBook),
    oneBook: true,
  })}
   select s.id, s.booked, s.amount, ${ROUTE} from held s
   -- one probe where it is needed: as "or exists" Postgres may read all entries to answer it
   left join lateral (${firstEntry(ofBook, 'not s.booked')}) later on true
   where s.booked or later.version is not null`,
);

const many = parameters({
  shard: 'smallint',
  bookIds: 'bigint[]',
  recordedBy: 'bigint[]',
  versions: 'bigint[]',
  asOf: 'timestamptz',
  ...FILTER,
});

const OF_BOOKS = statement<RouteTotalRow>(
  'account_totals_of_books',
  `with ${heldAt({
    shard: many.shard,
    points: `select b.*, ${many.asOf} as as_of
      from unnest(${many.bookIds}, ${many.recordedBy}, ${many.versions}) b (book_id, recorded_by, version)`,
    accounts: isAsked(many),
    oneBook: false,
  })}
   select ${ROUTE}, sum(s.amount) as amount from held s where s.booked group by ${ROUTE}`,
);

/** The sub-accounts of a book that are known at the point, in no particular order. */
export async function accountTotals(
  connection: Connection,
  point: JournalPoint,
  filter: AccountFilter,
): Promise<readonly KnownAccount[]> {
  const rows = await connection.run(OF_BOOK, bind(ofBook, point, filter));
  return rows.map((row) => ({
    id: idOf('acc', row.id),
    account: SUB_ACCOUNT.read(row),
    amount: row.amount,
    booked: row.booked,
  }));
}

const named = parameters({ ...KNOWN_BOOK, accountId: 'uuid' });

const KNOWN = statement<{ version: number }>(
  'known_account',
  `select first.version from sub_accounts s
   cross join lateral (${firstEntry(named)}) first
   where s.shard = ${named.shard} and s.book_id = ${named.bookId} and s.id = ${named.accountId}`,
);

/** Whether a book has the sub-account, as known: it comes into being with its first entry. */
export const isKnownAccount = async (
  connection: Connection,
  book: KnownBook,
  accountId: string,
): Promise<boolean> => (await connection.run(KNOWN, bind(named, book, { accountId }))).length > 0;

const filtered = parameters({ shard: 'smallint', bookId: 'bigint', ...FILTER });

const ORDINALS = statement<{ id: string; ordinal: number }>(
  'sub_accounts_asked',
  `select s.id, s.ordinal from sub_accounts s
   where s.shard = ${filtered.shard} and s.book_id = ${filtered.bookId}
and ${isAsked(filtered)}`,
);

/** The ordinals of the sub-accounts that a filter asks for; null: it asks for all. */
export async function subAccountsAsked(
  connection: Connection,
  book: Placed,
  { accountId, ...filter }: AccountFilter & { readonly accountId: string | null },
): Promise<readonly number[] | null> {
  if (accountId === null && filter.types.length === 0 && filter.currency === null) return null;
  const rows = await connection.run(ORDINALS, bind(filtered, book, filter));
  return rows
    .filter(({ id }) => accountId === null || idOf('acc', id) === accountId)
    .map(({ ordinal }) => ordinal);
}

/** Those of many books of a shard that have an entry by the instant (inclusive), added up by route. */
export async function accountTotalsOfBooks(
  connection: Connection,
  shard: number,
  books: readonly Omit<JournalPoint, 'shard' | 'asOf'>[],
  asOf: Instant,
  filter: AccountFilter,
): Promise<readonly AccountTotal[]> {
  if (books.length === 0) return [];
  const asked = {
    shard,
    asOf,
    bookIds: books.map((book) => book.bookId),
    recordedBy: books.map((book) => book.recordedBy),
    versions: books.map((book) => book.version),
  };
  const rows = await connection.run(OF_BOOKS, bind(many, filter, asked));
  return rows.map(readRouteTotal);
}

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
