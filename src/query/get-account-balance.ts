import { sumAmounts, type Amount } from '../amount.ts';
import { askWritten, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { AccountType, Stage, SubAccount } from '../ledger/account.ts';
import type { Subject } from '../ledger/subject-totals.ts';
import { accountsAt, accountsOfSubject } from './account-totals.ts';
import { assertNamed } from './assert-named.ts';

/** Which entries a balance is the sum of: an account of one currency, narrowed by what is not null. */
export type EntryFilter = Subject & {
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
};

/**
 * The sum of entries at any instant, as known at any instant. What has fallen due but is not yet written is included,
 * what lies ahead is forecast: the journal up to its end, and the postings that running forward would add. From running
 * totals, whatever the length of history, unless a grant or a charge is named: then from the entries that name it.
 */
export const getAccountBalance = (
  deps: QueryDeps,
  question: Asked & { readonly filter: EntryFilter },
): Promise<Viewed<{ readonly amount: Amount }>> =>
  askWritten(deps, question, { amount: 0n }, async (connection, view) => {
    const { filter } = question;
    const { type, currency, grantId, chargeId } = filter;
    await assertNamed(connection, view, { grt: grantId, chg: chargeId });
    const accounts = await (grantId === null && chargeId === null
      ? accountsAt(connection, view, { types: [type], currency })
      : accountsOfSubject(connection, view, filter));
    const counted = accounts.filter(({ account }) => matchesRoute(filter, account));
    return { amount: sumAmounts(counted.map(({ amount }) => amount)) };
  });

const matchesRoute = (filter: EntryFilter, account: SubAccount): boolean =>
  account.type === filter.type &&
  account.currency === filter.currency &&
  asked(filter.stage, account.stage) &&
  asked(filter.costBasisKnown, account.costBasis !== null) &&
  asked(filter.costBasis, account.costBasis) &&
  asked(filter.priority, account.priority) &&
  asked(filter.taxCode, account.tax?.code ?? null) &&
  (filter.featureKeys === null || filter.featureKeys.join('\0') === account.featureKeys.join('\0'));

const asked = <T>(value: T | null, is: T | null): boolean => value === null || value === is;
