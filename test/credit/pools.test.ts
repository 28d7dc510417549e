import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumAmounts } from '../../src/amount.ts';
import { burnOrderAt } from '../../src/credit/burn-order.ts';
import type { Grant } from '../../src/credit/grant.ts';
import { isOpen, nextDueOf, pendingAmount } from '../../src/credit/grant.ts';
import {
  dueAmong,
  grantsOf,
  inBurnOrder,
  nextDueAmong,
  openGrants,
  promisedIn,
  remainingIn,
} from '../../src/credit/pools.ts';
import { ALWAYS, NEVER } from '../../src/instant.ts';
import { inScope, mayPay, type Scope } from '../../src/scope.ts';
import { aBook, aGrant, day } from '../support/builders.ts';

/** Grants are kept in pools so that few have to be asked; what is said of them is what a look at all would say. */

const [model] = [...aBook([day(1), aGrant({})]).grants.values()];

const keys = fc.subarray(['a', 'b']);
const grants: fc.Arbitrary<Grant> = fc
  .record({
    number: fc.integer({ min: 0, max: 30 }),
    currency: fc.constantFrom('USD', 'EUR'),
    featureKeys: keys,
    priority: fc.integer({ min: 1, max: 3 }),
    effective: fc.integer({ min: 1, max: 9 }),
    life: fc.option(fc.integer({ min: 1, max: 9 })),
    phase: fc.constantFrom('SCHEDULED', 'CREDIT', 'CREDIT', 'EXPIRED', 'CALLED_OFF'),
    left: fc.bigInt({ min: 0n, max: 2n }),
    rescheduled: fc.option(fc.integer({ min: 1, max: 20 })),
  })
  .map(({ number, currency, featureKeys, priority, effective, life, phase, left, rescheduled }) => ({
    ...model!,
    // What a grant is of never changes: grants of one id are of one pool and priority.
    id: `${currency} ${featureKeys.join('+')} ${priority} ${number}`,
    currency,
    featureKeys,
    priority,
    phase,
    amount: 5n,
    effectiveAt: day(effective),
    expiresAt: life === null ? NEVER : day(effective + life),
    bookedAt: phase === 'CREDIT' || phase === 'EXPIRED' ? day(effective) : null,
    remaining: phase === 'CREDIT' ? left : 0n,
    expired: phase === 'EXPIRED' ? left : 0n,
    formerTimes:
      rescheduled === null
        ? []
        : [{ until: day(rescheduled), effectiveAt: day(2), expiresAt: day(rescheduled + 1) }],
  }));

/** One grant after the other is put in place of what it replaces, or taken out. */
const histories = fc.array(fc.record({ grant: grants, goes: fc.boolean() }), { maxLength: 80 });

type History = readonly { readonly grant: Grant; readonly goes: boolean }[];

const kept = (history: History) =>
  history.reduce((all, { grant, goes }) => (goes ? all.without(grant.id) : all.with(grant)), grantsOf());

const plain = (history: History): readonly Grant[] => {
  const map = new Map<string, Grant>();
  for (const { grant, goes } of history)
    if (goes) map.delete(grant.id);
    else map.set(grant.id, grant);
  return [...map.values()];
};

const scopes: readonly Scope[] = [
  { kind: 'all' },
  { kind: 'unrestricted' },
  { kind: 'feature', featureKey: 'a' },
];
const hasUntaken = ({ bookedAt, remaining, expired }: Grant) => bookedAt !== null && remaining + expired > 0n;
const ids = (found: Iterable<Grant>) => [...found].map(({ id }) => id);

describe('grants in pools', () => {
  it('are what a plain look at all says, after any history', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 0, max: 20 }), (history, n) => {
        const [pooled, all] = [kept(history), plain(history)];
        expect(pooled).toEqual(grantsOf(all));
        expect(openGrants(pooled)).toBe(all.filter(isOpen).length);
        expect(nextDueAmong(pooled)).toBe(Math.min(NEVER, ...all.map(nextDueOf)));
        const due = (found: readonly Grant[]) =>
          ids(found.filter((grant) => nextDueOf(grant) <= day(n))).toSorted();
        expect(due(dueAmong(pooled, day(n)))).toEqual(due(all));
        for (const scope of scopes) {
          const inside = all.filter(
            ({ currency, featureKeys }) => currency === 'USD' && inScope(scope, featureKeys),
          );
          expect(remainingIn(pooled, 'USD', scope)).toBe(
            sumAmounts(inside.map(({ remaining }) => remaining)),
          );
          expect(promisedIn(pooled, 'USD', scope)).toBe(sumAmounts(inside.map(pendingAmount)));
        }
      }),
    );
  });

  it.each(['a', 'c', null])('come in the burn order of any instant, for feature %s', (featureKey) => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 0, max: 20 }), (history, n) => {
        const found = [...inBurnOrder(kept(history), { currency: 'USD', featureKey }, day(n))];
        const expected = plain(history)
          .filter(({ currency, featureKeys }) => currency === 'USD' && mayPay(featureKeys, featureKey))
          .toSorted(burnOrderAt(day(n)));
        expect(ids(found.filter(hasUntaken))).toEqual(ids(expected.filter(hasUntaken)));
      }),
    );
  });

  it('are asked one after the other: of 10,000 the first is found without the others', () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({
      ...model!,
      id: `g${n}`,
      priority: 1 + (n % 1_000),
      remaining: 1n,
      bookedAt: ALWAYS,
    }));
    let asked = 0;
    const counted = many.map((grant) =>
      Object.defineProperty({ ...grant }, 'amount', { get: () => ((asked += 1), 1n) }),
    );
    const pooled = grantsOf(counted);
    asked = 0;
    const [first] = inBurnOrder(pooled, { currency: 'USD', featureKey: null }, day(1));

    expect(first!.id).toBe('g0');
    expect(asked).toBe(0);
  });
});
