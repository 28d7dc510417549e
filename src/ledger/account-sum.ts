import { formatAmount, sumAmounts, type Amount } from '../amount.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { AccountType, Stage, SubAccount } from './account.ts';
import type { Leg } from './posting.ts';

/** Which entries a sum is over: an account of one currency, narrowed by what is not null. */
export type EntryFilter = {
  readonly type: AccountType;
  readonly currency: string;
  readonly stage: Stage | null;
  /** False: the entries of advances. */
  readonly costBasisKnown: boolean | null;
  readonly costBasis: Amount | null;
  readonly priority: number | null;
  readonly taxCode: string | null;
  /** Exactly this set, sorted. */
  readonly featureKeys: readonly string[] | null;
  readonly grantId: string | null;
  readonly chargeId: string | null;
};

/** Whether the entries of a sub-account count, as far as its route decides. */
export const matchesRoute = (filter: EntryFilter, account: SubAccount): boolean =>
  account.type === filter.type &&
  account.currency === filter.currency &&
  asked(filter.stage, account.stage) &&
  asked(filter.costBasisKnown, account.costBasis !== null) &&
  asked(filter.costBasis, account.costBasis) &&
  asked(filter.priority, account.priority) &&
  asked(filter.taxCode, account.tax?.code ?? null) &&
  (filter.featureKeys === null || filter.featureKeys.join('\0') === account.featureKeys.join('\0'));

/** Whether a leg that is not in the journal yet counts: the same filter for what is forecast. */
const matches = (filter: EntryFilter, { account, grantId, chargeId }: Leg): boolean =>
  matchesRoute(filter, account) && asked(filter.grantId, grantId) && asked(filter.chargeId, chargeId);

const asked = <T>(value: T | null, is: T | null): boolean => value === null || value === is;

/** What forecast legs would add to the sum. */
export const sumOf = (filter: EntryFilter, legs: readonly Leg[]): Amount =>
  sumAmounts(legs.filter((leg) => matches(filter, leg)).map((leg) => leg.amount));

const sum = (name: string, about: string): Statement<{ amount: Amount }> =>
  statement(
    name,
    `select coalesce(sum(e.amount), 0) as amount
     from entries e
     join sub_accounts s on s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account
     where e.shard = $1 and e.book_id = $2 and ${about} and e.version <= $3 and e.booked_at <= $4
       and s.type = $5 and s.currency = $6
       and ($7::text is null or s.stage = $7)
       and ($8::boolean is null or (s.cost_basis is not null) = $8)
       and ($9::numeric is null or s.cost_basis = $9)
       and ($10::integer is null or s.priority = $10)
       and ($11::text is null or s.tax_code = $11)
       and ($12::text[] is null or s.feature_keys = $12)`,
  );

// One statement for each index that can serve it.
const OF_GRANT = sum('account_sum_of_grant', 'e.grant_id = $13 and ($14::uuid is null or e.charge_id = $14)');
const OF_CHARGE = sum('account_sum_of_charge', '$13::uuid is null and e.charge_id = $14');

/** Whether running totals cannot answer: a sub-account's is of all grants and charges together. */
export const namesGrantOrCharge = ({ grantId, chargeId }: EntryFilter): boolean =>
  grantId !== null || chargeId !== null;

/**
 * The sum of the entries of a grant or charge that match, booked at or before an instant, as known at a version. Reads
 * all of them: it costs what the grant or charge did, not what the book did.
 */
export async function sumEntries(
  connection: Connection,
  book: { readonly shard: number; readonly id: string; readonly version: number },
  at: Instant,
  filter: EntryFilter,
): Promise<Amount> {
  const { grantId, chargeId } = filter;
  const which = grantId !== null ? OF_GRANT : OF_CHARGE;
  const [row] = await connection.run(which, [
    ...[book.shard, book.id, book.version, timestamp(at), filter.type, filter.currency, filter.stage],
    ...[
      filter.costBasisKnown,
      filter.costBasis === null ? null : formatAmount(filter.costBasis),
      filter.priority,
    ],
    ...[filter.taxCode, filter.featureKeys],
    ...[grantId === null ? null : uuidOf(grantId), chargeId === null ? null : uuidOf(chargeId)],
  ]);
  return row!.amount;
}
