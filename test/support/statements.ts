import type { Statement } from '../../src/db/database.ts';
import { day } from './builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from './requests.ts';
import { testWorld } from './world.ts';

/** A world that tells which statements it runs, and somebody in it about whom there is something of everything to ask. */
export async function statementsWorld() {
  const seen: Statement<unknown>[] = [];
  // Nothing is kept in memory, so every answer asks for all it needs; book-cache.test.ts is about the others.
  const { caller, time } = await testWorld({ keptFacts: 0, onStatement: (one) => seen.push(one) });

  /** The statements an action runs, but those that begin a transaction. */
  async function statementsOf(action: () => Promise<unknown>): Promise<readonly Statement<unknown>[]> {
    seen.length = 0;
    await action();
    return seen.filter(({ name }) => !name.startsWith('begin'));
  }

  /** A customer with something of everything: credit, a promise, a debt, and a past. */
  async function someone(customerId: string): Promise<void> {
    time.now = day(1);
    const request = (more: object) => grantRequest({ customerId, ...more });
    await caller.answer('CreateGrant', request({ amount: '10' }));
    time.now += 1_000;
    await caller.answer('CreateGrant', request({ amount: '5', effectiveAt: at(day(3)) }));
    await caller.answer('CreateGrant', request({ amount: '4', expiresAt: at(day(2)) }));
    time.now += 1_000;
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '20', ...CREDIT_ONLY }));
    time.now = day(2);
  }

  return { caller, time, statementsOf, someone };
}

const TABLES = [
  'books',
  'writes',
  'grants',
  'charges',
  'advances',
  'allocations',
  'scheduled_grants',
  'sub_accounts',
  'transactions',
  'entries',
  'currencies',
];
/** The tables that are named in a text of SQL. */
export const tablesIn = ({ text }: Statement<unknown>): readonly string[] =>
  TABLES.filter((table) => new RegExp(`\\b(from|join|into|update)\\s+${table}\\b`).test(text));
export const tablesOf = (statements: readonly Statement<unknown>[]): readonly string[] =>
  [...new Set(statements.flatMap(tablesIn))].toSorted((a, b) => (a < b ? -1 : 1));

/** Moments of each kind that a question may be about. */
export const MOMENTS: Readonly<Record<string, () => object>> = {
  now: () => ({}),
  'in the future': () => ({ asOf: at(day(9)) }),
  'in the past': () => ({ asOf: at(day(1) + 500) }),
  'as known in the past': () => ({ knownAt: at(day(1) + 1_500) }),
  'in the past, as known in the past': () => ({ asOf: at(day(1) + 500), knownAt: at(day(1) + 1_500) }),
};
