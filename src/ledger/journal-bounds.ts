import { statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { AccountType } from './account.ts';
import { versionsTold } from './late-told.ts';

/** Where in version order the rows lie that a filter asks for, so that a page walks only there. */

type BookAt = { readonly shard: number; readonly bookId: string };

const recordedBy = (instant: string): string => `
  select coalesce(max(w.version), 0) as version from (
    select w.version from writes w
    where w.shard = $1 and w.book_id = $2 and w.recorded_at <= ${instant}
    order by w.recorded_at desc, w.version desc limit 1
  ) w`;

// Nothing is booked ahead of its recording: what is booked from an instant on was recorded after all before it, and
// what is booked before another was recorded before it, too, or told late.
const BOUNDS = statement<{ after: number; until: number }>(
  'journal_bounds',
  `select early.version as after, greatest(known.version, late.version) as until
   from (${recordedBy('$3')}) early
   cross join (${recordedBy('$4')}) known
   cross join lateral (
     select max(told.version) as version from (${versionsTold({
       ...{ book: '$2::uuid', after: 'known.version', through: '$5::bigint', at: '$4::timestamptz' },
     })}) told
   ) late`,
);

/** The versions that can have recorded what is booked in `[from, to)`: those after the one and up to the other. */
export async function boundsOf(
  connection: Connection,
  { shard, bookId, version }: BookAt & { readonly version: number },
  from: Instant,
  to: Instant,
): Promise<{ readonly after: number; readonly until: number }> {
  const [row] = await connection.run(BOUNDS, [
    ...[shard, bookId, timestamp(from - 1), timestamp(to - 1), version],
  ]);
  return { after: row!.after, until: Math.min(row!.until, version) };
}

const PLACE = statement<{ version: number; ordinal: number }>(
  'place_of_transaction',
  `select t.version, t.ordinal from transactions t where t.id = $3 and t.shard = $1 and t.book_id = $2`,
);

/** Where a transaction stands; null if the book has none such. */
export async function placeOfTransaction(
  connection: Connection,
  { shard, bookId }: BookAt,
  transactionId: string,
): Promise<{ readonly version: number; readonly ordinal: number } | null> {
  return (await connection.run(PLACE, [shard, bookId, uuidOf(transactionId)]))[0] ?? null;
}

const KNOWN_ACCOUNT = statement<{ id: string }>(
  'known_account',
  `select s.id from sub_accounts s
   cross join lateral (
     select e.version from entries e
     where e.shard = $1 and e.book_id = $2 and e.sub_account = s.ordinal and e.version <= $4
     order by e.version, e.position limit 1
   ) first
   where s.shard = $1 and s.book_id = $2 and s.id = $3`,
);

/** Whether a book has the sub-account, as known at a version: it comes into being with its first entry. */
export const isKnownAccount = async (
  connection: Connection,
  { shard, bookId, version }: BookAt & { readonly version: number },
  accountId: string,
): Promise<boolean> =>
  (await connection.run(KNOWN_ACCOUNT, [shard, bookId, uuidOf(accountId), version])).length > 0;

export type SubAccountFilter = {
  /** Null: any. */
  readonly accountId: string | null;
  /** Empty: all. */
  readonly types: readonly AccountType[];
  /** Null: any. */
  readonly currency: string | null;
};

const ORDINALS = statement<{ id: string; ordinal: number }>(
  'sub_accounts_asked',
  `select s.id, s.ordinal from sub_accounts s
   where s.shard = $1 and s.book_id = $2
     and (cardinality($3::text[]) = 0 or s.type = any($3)) and ($4::text is null or s.currency = $4)`,
);

/** The ordinals of the sub-accounts that a filter asks for; null: it asks for all. */
export async function subAccountsAsked(
  connection: Connection,
  { shard, bookId }: BookAt,
  { accountId, types, currency }: SubAccountFilter,
): Promise<readonly number[] | null> {
  if (accountId === null && types.length === 0 && currency === null) return null;
  const rows = await connection.run(ORDINALS, [shard, bookId, types, currency]);
  return rows
    .filter(({ id }) => accountId === null || idOf('acc', id) === accountId)
    .map(({ ordinal }) => ordinal);
}
