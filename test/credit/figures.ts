import assert from 'node:assert/strict';
import { balanceOf } from '../../src/credit/balance.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { viewNow, type GrantView } from '../../src/credit/grant-view.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { CURRENCIES } from '../support/histories.ts';
import type { GrantFact } from '../support/reference/facts.ts';
import * as model from '../support/reference/answers.ts';
import { pendingIn, settledIn, type Reading } from './journal.ts';

/** Every scope a question of a history can be asked in; nothing is restricted to `c`. */
const SCOPES: readonly Scope[] = [
  ALL,
  { kind: 'unrestricted' },
  ...['a', 'b', 'c'].map((featureKey): Scope => ({ kind: 'feature', featureKey })),
];

/** Fails at the first figure in which the journal and the model differ. */
export function differ(reading: Reading, view: model.View): void {
  const standing = model.standing(view);
  sameBalances(reading, view);
  for (const { fact, ...expected } of standing.grants) sameGrant(reading, fact, expected);
  assert.equal(reading.grants.size, standing.grants.length, 'as many grants as there are');
}

function sameBalances(reading: Reading, view: model.View): void {
  const { state, asOf } = reading;
  for (const currency of CURRENCIES) {
    for (const scope of SCOPES) {
      const settled = model.settledIn(view, currency, scope);
      const pending = model.pendingIn(view, currency, scope);
      const where = () => `in ${currency}, ${JSON.stringify(scope)}`;
      if (settledIn(reading, currency, scope) !== settled)
        assert.fail(`settled ${where()} is not ${settled}`);
      if (pendingIn(reading, currency, scope) !== pending)
        assert.fail(`pending ${where()} is not ${pending}`);
      if (state.clock !== asOf) continue;
      const live = model.liveIn(view, currency, scope);
      const stated = balanceOf(state, currency, scope);
      if (stated.settled === settled && stated.live === live && stated.pending === pending) continue;
      assert.deepEqual(stated, { currency, settled, live, pending }, where());
    }
  }
}

type Expected = { readonly status: model.Status | null; readonly parts: model.Parts };

function sameGrant({ grants, state, asOf }: Reading, { id, amount }: GrantFact, expected: Expected): void {
  const then = grants.get(id)!;
  const now = state.clock === asOf ? viewNow(then.grant, asOf) : then;
  same(then, expected, () => `${id} by its entries`);
  same(now, expected, () => `${id} by its state`);
  assert.equal(sumOfParts(then), expected.status === null ? 0n : amount);
}

// Looked at a million times, so words are only made for what differs.
function same(view: GrantView, { status, parts }: Expected, what: () => string): void {
  const differs = view.status !== status || PARTS.some((part) => view[part] !== parts[part]);
  if (differs) assert.deepEqual(view, { grant: view.grant, status, ...parts }, what());
}

const PARTS = ['pending', 'remaining', 'consumed', 'expired', 'voided'] as const;

const sumOfParts = ({ pending, remaining, consumed, expired, voided }: GrantView): bigint =>
  pending + remaining + consumed + expired + voided;

/** Every balance of a state as plain data, to be compared with another. */
export const balancesOf = (state: BookState) =>
  CURRENCIES.flatMap((currency) => SCOPES.map((scope) => balanceOf(state, currency, scope)));

/** Every figure of a reading as plain data, to be compared with another. */
export const figuresOf = (reading: Reading) => ({
  balances: CURRENCIES.flatMap((currency) =>
    SCOPES.map((scope) => [settledIn(reading, currency, scope), pendingIn(reading, currency, scope)]),
  ),
  grants: reading.grants,
});
