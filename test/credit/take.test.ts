import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import type { Grant } from '../../src/credit/grant.ts';
import { untakenFrom, untakenSteps } from '../../src/credit/take.ts';
import { credits, day, heldGrant } from '../support/builders.ts';

/** A grant of 100 with these changes since, each `[day, amount]`: negative taken, positive given back. */
function changed(...moves: readonly (readonly [of: number, amount: string])[]): Grant {
  const deltas = moves.map(([of, amount]) => ({ at: day(of), delta: credits(amount) }));
  const remaining = deltas.reduce((rest, { delta }) => rest + delta, credits('100'));
  return heldGrant({ moves: deltas, remaining });
}

const steps = (grant: Grant, from: number): readonly string[] =>
  untakenSteps(grant, day(from)).map(
    ({ at, amount }) => `day ${(at - day(0)) / 86_400_000}: ${formatAmount(amount)}`,
  );

describe('what nobody has taken of 100 since an instant', () => {
  it.each<[when: string, grant: Grant, from: number, expected: readonly string[]]>([
    ['nothing was taken', changed(), 3, ['day 3: 100']],
    ['some was taken before it', changed([2, '-30']), 3, ['day 3: 70']],
    ['some was taken at it', changed([3, '-30']), 3, ['day 3: 70']],
    ['some was taken after it', changed([4, '-30']), 3, ['day 3: 70']],
    ['some was given back at it', changed([2, '-30'], [3, '20']), 3, ['day 3: 90']],
    ['everything was taken after it', changed([4, '-100']), 3, []],
    [
      'some was taken, some given back after it',
      changed([4, '-30'], [5, '20']),
      3,
      ['day 3: 70', 'day 5: 20'],
    ],
    ['what was given back was taken again', changed([4, '-30'], [5, '20'], [6, '-20']), 3, ['day 3: 70']],
    ['some of it was taken again', changed([4, '-30'], [5, '20'], [6, '-15']), 3, ['day 3: 70', 'day 5: 5']],
    [
      'it was given back in two parts',
      changed([4, '-100'], [5, '40'], [6, '60']),
      3,
      ['day 5: 40', 'day 6: 60'],
    ],
    ['it was taken and given back at one instant', changed([4, '-30'], [4, '30']), 3, ['day 3: 100']],
    ['changes were recorded out of order', changed([5, '20'], [4, '-30']), 3, ['day 3: 70', 'day 5: 20']],
    ['all of that lies before it', changed([4, '-30'], [5, '20']), 6, ['day 6: 90']],
  ])('when %s', (_when, grant, from, expected) => {
    expect(steps(grant, from)).toEqual(expected);
  });

  it('leaves the expiry aside: what has expired since was there', () => {
    const grant = heldGrant({ phase: 'EXPIRED', remaining: 0n, expired: credits('100'), expiresAt: day(5) });

    expect(steps(grant, 3)).toEqual(['day 3: 100']);
  });

  it('does not leave a void aside: what was forfeited is gone for every instant before it', () => {
    expect(steps(changed([5, '-100']), 3)).toEqual([]);
  });

  it('is nothing for a grant that never became credit', () => {
    expect(steps(heldGrant({ phase: 'SCHEDULED', bookedAt: null, remaining: 0n }), 3)).toEqual([]);
  });

  it('may be taken at the instant only as far as it was there from the instant on', () => {
    const grant = changed([4, '-100'], [5, '40']);

    expect(untakenFrom(grant, day(3))).toBe(0n);
    expect(untakenFrom(grant, day(5))).toBe(credits('40'));
  });
});
