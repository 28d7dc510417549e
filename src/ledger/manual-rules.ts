import type { Amount } from '../amount.ts';
import { refuse } from '../refusal.ts';
import type { AccountType, SubAccount } from './account.ts';
import type { Leg } from './posting.ts';

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

/** The legs of a manual posting; refuses UNBALANCED, and ROUTING_RULE for accounts that may not face each other. */
export function manualLegs(entries: readonly ManualEntry[]): readonly Leg[] {
  for (const { account } of entries) checkAccount(account);
  for (const [currency, own] of Map.groupBy(entries, ({ account }) => account.currency)) {
    const sum = own.reduce((total, { amount }) => total + amount, 0n);
    if (sum !== 0n) {
      refuse('UNBALANCED', `the entries in ${currency} do not add up to zero`, { id: '', state: currency });
    }
    checkFacing(own);
  }
  return entries.map(({ account, amount }) => ({ account, amount, grantId: null, chargeId: null }));
}

function checkAccount({ type, stage, costBasis, priority }: SubAccount): void {
  if (MAY_FACE[type] === undefined)
    against(type, `${type} moves only through grants, charges and adjustments`);
  if (type === 'CUSTOMER_RECEIVABLE' && stage === null) against(type, `${type} needs a stage in its route`);
  if (type === 'CUSTOMER_RECEIVABLE' && costBasis === null) {
    against(type, `${type} needs a cost basis in its route: without one it would be an advance`);
  }
  if (type !== 'CUSTOMER_RECEIVABLE' && stage !== null)
    against(type, `only CUSTOMER_RECEIVABLE has a stage, not ${type}`);
  if (priority !== null) against(type, `only CUSTOMER_FBO has a priority, not ${type}`);
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
