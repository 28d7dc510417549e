import assert from 'node:assert/strict';
import { balanceOf } from '../../src/credit/balance.ts';
import { viewNow, type GrantView } from '../../src/credit/grant-view.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { CURRENCIES } from '../support/histories.ts';
import * as model from '../support/reference/answers.ts';
import { pendingIn, settledIn, type Reading } from './journal.ts';

/** Every scope a question of a history can be asked in; nothing is restricted to `c`. */
export const SCOPES: readonly Scope[] = [
  ALL,
  { kind: 'unrestricted' },
  ...['a', 'b', 'c'].map((featureKey): Scope => ({ kind: 'feature', featureKey })),
];

/** Fails at the first figure in which the journal and the model differ. */
export function differ(reading: Reading, view: model.View): void {
  sameBalances(reading, view);
  const known = view.facts.grants.map((grant) => grant.id);
  assert.deepEqual([...reading.grants.keys()].sort(), known.sort(), 'the grants there are');
  for (const fact of view.facts.grants) sameGrant(reading, view, fact);
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
      assert.deepEqual(balanceOf(state, currency, scope), { currency, settled, live, pending }, where());
    }
  }
}

function sameGrant(reading: Reading, view: model.View, fact: model.GrantFact): void {
  const then = reading.grants.get(fact.id)!;
  const parts = model.partsOf(view, fact);
  const expected = { grant: then.grant, status: model.statusOf(view, fact), ...parts };
  assert.deepEqual(then, expected, `${fact.id} by its entries`);
  const now = reading.state.clock === reading.asOf ? viewNow(then.grant, reading.asOf) : then;
  assert.deepEqual(now, expected, `${fact.id} by its state`);
  const total = model.existsAt(view, fact) ? then.grant.amount : 0n;
  assert.equal(sumOfParts(then), total, `the closed identity of ${fact.id}`);
}

const sumOfParts = ({ pending, remaining, consumed, expired, voided }: GrantView): bigint =>
  pending + remaining + consumed + expired + voided;

/** Every figure of a reading as plain data, to be compared with another. */
export const figuresOf = (reading: Reading) => ({
  balances: CURRENCIES.flatMap((currency) =>
    SCOPES.map((scope) => [settledIn(reading, currency, scope), pendingIn(reading, currency, scope)]),
  ),
  grants: reading.grants,
});
