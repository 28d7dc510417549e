import { formatAmount, type Amount } from '../amount.ts';
import { refuse } from '../refusal.ts';
import type { AccountType, SubAccount } from './account.ts';
import type { Leg, PostingKind } from './posting.ts';

/** One side of a manual posting as it was asked for. */
export type ManualEntry = { readonly account: SubAccount; readonly amount: Amount };

/**
 * Which accounts may face each other in a manual posting, and why. FBO and advances are not among them: those move only
 * through grants, charges and adjustments; nor is accrued value, which moves with its charges and their recognition.
 */
const MAY_FACE: Partial<Readonly<Record<AccountType, readonly AccountType[]>>> = {
  // A payment moves between stages, is received or paid back, or is written off.
  CUSTOMER_RECEIVABLE: ['CUSTOMER_RECEIVABLE', 'WASH', 'BROKERAGE'],
  // Cash beside what was owed: fees and rounding.
  WASH: ['CUSTOMER_RECEIVABLE', 'BROKERAGE'],
  BROKERAGE: ['CUSTOMER_RECEIVABLE', 'WASH'],
  // Forfeited credit becomes revenue.
  BREAKAGE: ['EARNINGS'],
  EARNINGS: ['BREAKAGE'],
};

/** A transaction that a reversal names, as far as reversing it needs to know. */
export type Posted = {
  readonly id: string;
  readonly kind: PostingKind;
  /** Of a manual one, each with its place in the journal; none of any other. */
  readonly legs: readonly (Leg & {
    readonly entry: { readonly version: number; readonly position: number };
  })[];
  readonly reversed: boolean;
};

/** The legs that take a manual posting back, entry by entry; refuses ROUTING_RULE for any other and the second time. */
export function reversalLegs({ id, kind, legs, reversed }: Posted): readonly Leg[] {
  if (kind !== 'MANUAL')
    refuse('ROUTING_RULE', `only a manual transaction can be reversed, not one of kind ${kind}`, {
      id,
      state: kind,
    });
  if (reversed) refuse('ROUTING_RULE', `${id} has been reversed already`, { id, state: 'REVERSED' });
  return legs.map(({ entry, ...leg }) => ({ ...leg, amount: -leg.amount, reverses: entry }));
}

/** The legs of a manual posting; refuses UNBALANCED, and ROUTING_RULE for accounts that may not face each other. */
export function manualLegs(entries: readonly ManualEntry[]): readonly Leg[] {
  for (const { account } of entries) checkAccount(account);
  for (const [currency, own] of Map.groupBy(entries, ({ account }) => account.currency)) {
    const sum = own.reduce((total, { amount }) => total + amount, 0n);
    if (sum !== 0n) {
      const state = formatAmount(sum);
      refuse('UNBALANCED', `the entries in ${currency} add up to ${state}, not to zero`, {
        id: currency,
        state,
      });
    }
    checkFacing(own);
  }
  return entries.map(({ account, amount }) => ({ account, amount, grantId: null, chargeId: null }));
}

function checkAccount({ type, stage, costBasis, priority, featureKeys, tax }: SubAccount): void {
  if (MAY_FACE[type] === undefined)
    against(type, `${type} moves only through grants, charges and adjustments`);
  if (type === 'CUSTOMER_RECEIVABLE' && stage === null) against(type, `${type} needs a stage in its route`);
  if (type === 'CUSTOMER_RECEIVABLE' && costBasis === null) {
    against(type, `${type} needs a cost basis in its route: without one it would be an advance`);
  }
  if (type !== 'CUSTOMER_RECEIVABLE' && stage !== null)
    against(type, `only CUSTOMER_RECEIVABLE has a stage, not ${type}`);
  if (priority !== null) against(type, `only CUSTOMER_FBO has a priority, not ${type}`);
  // A route that no other posting uses would be a sub-account of its own beside the one that was meant.
  if (type !== 'CUSTOMER_RECEIVABLE' && featureKeys.length > 0)
    against(
      type,
      `of the accounts that may be posted to only CUSTOMER_RECEIVABLE has feature keys, not ${type}`,
    );
  if (type !== 'CUSTOMER_RECEIVABLE' && type !== 'EARNINGS' && tax !== null)
    against(
      type,
      `of the accounts that may be posted to only CUSTOMER_RECEIVABLE and EARNINGS have a tax, not ${type}`,
    );
}

/** Every side that gains must be allowed to face every side that loses. */
function checkFacing(entries: readonly ManualEntry[]): void {
  const up = entries.filter(({ amount }) => amount > 0n).map(({ account }) => account.type);
  const down = entries.filter(({ amount }) => amount < 0n).map(({ account }) => account.type);
  for (const one of up) {
    const other = down.find((type) => !MAY_FACE[one]!.includes(type));
    if (other !== undefined) against(one, `${one} and ${other} may not face each other`);
  }
}

const against = (type: AccountType, why: string): never =>
  refuse('ROUTING_RULE', why, { id: '', state: type });
