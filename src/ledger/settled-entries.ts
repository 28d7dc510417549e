import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { CLASSES } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { IS_SETTLED } from './account.ts';
import { filterParameters, type MovementFilter } from './movements.ts';
import type { PostingKind } from './posting.ts';

/** A change of settled as it was booked: one side of a transaction. */
export type SettledEntry = {
  readonly at: Instant;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Whether it changes what remains of its grant; otherwise it changes an advance. */
  readonly ofCredit: boolean;
};

type Row = {
  booked_at: Instant;
  kind: PostingKind;
  currency: string;
  amount: Amount;
  grant_id: string | null;
  charge_id: string | null;
  of_credit: boolean;
};

const COLUMNS = `e.booked_at, e.version, e.position, e.kind, e.sub_account, e.amount, e.grant_id, e.charge_id,
  e.grant_remaining`;

// Entries have no index by instant, and need none: what was booked in a span of time was recorded in the span of
// versions that belongs to it, or told late, later than that.
const WITHIN = statement<Row>(
  'settled_entries_within',
  `select e.booked_at, e.kind, s.currency, e.amount, e.grant_id, e.charge_id,
          e.grant_remaining is not null as of_credit
   from (
     select ${COLUMNS} from entries e
     where e.shard = $1 and e.book_id = $2 and e.version > $8 and e.version <= $9
       and e.booked_at > $6 and e.booked_at <= $7
     union all
     select ${COLUMNS} from unnest($10::smallint[]) c (class)
     join lateral (
       select * from entries e
       where e.shard = $1 and e.book_id = $2 and e.late_class = c.class
         and e.booked_at > $6 and e.booked_at <= $7 and e.version > $9 and e.version <= $3
       offset 0
     ) e on true
   ) e
   -- looked up entry by entry: the other way round the entries would be read once for each sub-account
   cross join lateral (
     select * from sub_accounts s where s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account offset 0
   ) s
   where ${IS_SETTLED}
     and ($5::text is null or s.currency = $5)
     and ($4::text[] is null or s.feature_keys = '{}' or s.feature_keys && $4)
   order by e.booked_at, e.version, e.position`,
);

/** A span of business time with the versions recorded by its ends. */
export type Span = {
  /** Exclusive. */
  readonly after: Instant;
  /** Inclusive. */
  readonly through: Instant;
  /** The last version recorded by `after`. */
  readonly afterVersion: number;
  /** The last version known and recorded by `through`. */
  readonly throughVersion: number;
};

/** The entries that settled in the filter's scope changes by within a span of the past, in order of time. */
export async function settledEntriesWithin(
  connection: Connection,
  filter: MovementFilter,
  { after, through, afterVersion, throughVersion }: Span,
): Promise<readonly SettledEntry[]> {
  const rows = await connection.run(WITHIN, [
    ...filterParameters(filter),
    ...[timestamp(after), timestamp(through), afterVersion, throughVersion, CLASSES],
  ]);
  return rows.map((row) => ({
    at: row.booked_at,
    kind: row.kind,
    currency: row.currency,
    amount: row.amount,
    grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
    chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
    ofCredit: row.of_credit,
  }));
}
