import { formatAmount, type Amount } from '../amount.ts';
import type { SubAccount } from '../ledger/account.ts';
import { idsOf, type JournalFinding } from './journal-finding.ts';
import type { WrittenEntry, WrittenTransaction } from './written.ts';

/** A sum as its entries give it, and how far what is stored has strayed from it. */
type Running = { sum: Amount; astray: Amount };

/** The running totals of a book up to some entry: by sub-account, and what remains of each grant that has anything left. */
export type Totals = {
  readonly accounts: Map<number, Running>;
  readonly grants: Map<string, Running>;
};

export const noTotals = (): Totals => ({ accounts: new Map(), grants: new Map() });

/**
 * An entry's running total and what remained of its grant after it, against the sum of the entries up to it. A sum that
 * has strayed is told where it strays, not at every entry after.
 */
export function checkTotals(
  { accounts, grants }: Totals,
  entry: WrittenEntry,
  transaction: WrittenTransaction | undefined,
  account: SubAccount | undefined,
): JournalFinding[] {
  const wrong: { what: string; expected: string; actual: string }[] = [];
  const running = take(accounts, entry.subAccount);
  if (strays(running, entry.amount, entry.runningTotal)) {
    wrong.push({
      what: 'running total',
      expected: formatAmount(running.sum),
      actual: formatAmount(entry.runningTotal),
    });
  }
  if (account?.type === 'CUSTOMER_FBO' && entry.grantId !== null) {
    const held = take(grants, entry.grantId);
    if (strays(held, entry.amount, entry.grantRemaining)) {
      wrong.push({
        what: 'remainder of its grant',
        expected: formatAmount(held.sum),
        actual: amountOrNone(entry.grantRemaining),
      });
    }
    // Used up: nothing to go on from. So no more is kept than there are grants with something left.
    if (held.sum === 0n && held.astray === 0n) grants.delete(entry.grantId);
  } else if (account !== undefined && entry.grantRemaining !== null) {
    const actual = formatAmount(entry.grantRemaining);
    wrong.push({ what: 'remainder of a grant', expected: 'none', actual });
  }
  if (wrong.length === 0) return [];
  const where = `entry ${entry.position} of version ${entry.version}`;
  return [
    {
      ...{ kind: 'RUNNING_TOTAL', version: entry.version, ...idsOf(entry, transaction) },
      expected: wrong.map(({ expected }) => expected).join(', '),
      actual: wrong.map(({ actual }) => actual).join(', '),
      message: `${where}: ${wrong.map(({ what, expected, actual }) => `its ${what} is ${actual}, the entries up to it add up to ${expected}`).join('; ')}`,
    },
  ];
}

function take<Key>(of: Map<Key, Running>, key: Key): Running {
  const known = of.get(key);
  if (known !== undefined) return known;
  const first = { sum: 0n, astray: 0n };
  of.set(key, first);
  return first;
}

/** Adds the amount; true if what is stored is off, and not just by as much as before. */
function strays(running: Running, amount: Amount, stored: Amount | null): boolean {
  running.sum += amount;
  if (stored === null) return true;
  const before = running.astray;
  running.astray = stored - running.sum;
  return running.astray !== 0n && running.astray !== before;
}

const amountOrNone = (amount: Amount | null): string => (amount === null ? 'none' : formatAmount(amount));
