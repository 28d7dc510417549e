import { describe, expect, it } from 'vitest';
import { burnOrder } from '../../src/credit/burn-order.ts';
import type { Grant } from '../../src/credit/grant.ts';
import { day, heldGrant } from '../support/builders.ts';

type Traits = Omit<Partial<Grant>, 'amount'>;

const order = (...grants: readonly Grant[]): readonly string[] =>
  grants.toSorted(burnOrder).map((grant) => grant.id);

describe('burn order', () => {
  /** Each rule decides, although every rule below it says the opposite. */
  it.each<[rule: string, first: Traits, then: Traits]>([
    ['a lower priority', { priority: 1 }, { priority: 2, featureKeys: ['a'], expiresAt: day(2) }],
    ['restricted credit', { featureKeys: ['a'] }, { featureKeys: [], expiresAt: day(2) }],
    ['an earlier expiry', { expiresAt: day(8) }, { expiresAt: day(9), effectiveAt: day(1) }],
    ['an expiry at all', { expiresAt: day(8) }, { effectiveAt: day(1) }],
    ['an earlier effective instant', { effectiveAt: day(2) }, { effectiveAt: day(3), id: 'g0' }],
    ['a lower id', { id: 'g0' }, {}],
  ])('uses %s first', (_rule, first, then) => {
    const earlier = heldGrant({ id: 'g8', effectiveAt: day(5), ...first });
    const later = heldGrant({ id: 'g7', effectiveAt: day(5), ...then });

    expect(order(earlier, later)).toEqual([earlier.id, later.id]);
    expect(order(later, earlier)).toEqual([earlier.id, later.id]);
  });

  it('is total: any two grants have an order, and never-expiring ones too', () => {
    const twins = ['g3', 'g1', 'g2'].map((id) => heldGrant({ id }));

    expect(order(...twins)).toEqual(['g1', 'g2', 'g3']);
  });

  it('knows no difference between one feature key and several', () => {
    const one = heldGrant({ id: 'g2', featureKeys: ['a'] });
    const two = heldGrant({ id: 'g1', featureKeys: ['a', 'b'] });

    expect(order(one, two)).toEqual(['g1', 'g2']);
  });
});
