import { describe, expect, it } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import { emptyBook, type BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import { EARLIEST } from '../../src/instant.ts';
import { subAccountKey } from '../../src/ledger/account.ts';
import type { Leg } from '../../src/ledger/posting.ts';
import {
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  aRecognition,
  day,
  until,
  type Write,
} from '../support/builders.ts';

/** A book with all that its writes booked, by `version:position`: entries count through a write. */
function written(...writes: readonly Write[]) {
  const entries = new Map<string, Leg>();
  let state: BookState = emptyBook(EARLIEST);
  for (const [now, command] of writes) {
    const decision = decide(state, command, now);
    const legs = decision.postings.flatMap((posting) => posting.legs);
    for (const [i, leg] of legs.entries()) entries.set(`${decision.state.version}:${i + 1}`, leg);
    state = decision.state;
  }
  return { state, entries };
}

const shown = ({ account, amount, grantId, chargeId }: Leg): string =>
  `${account.type} ${formatAmount(amount)} of ${grantId}, ${chargeId}`;

/** Sources, an advance, coverings by two grants at once, and what fell due booked before them in the same write. */
const LIFE: readonly Write[] = [
  [day(1), aGrant({ grantId: 'gone', amount: '3', expiry: until(day(4)) })],
  [day(1), aGrant({ grantId: 'first', amount: '10', priority: 1 })],
  [day(1), aGrant({ grantId: 'second', amount: '10', effectiveAt: day(3) })],
  [day(2), aCharge({ amount: '40', mode: 'CREDIT_ONLY' })],
  [day(5), aCollection('c1', { amount: '12' })],
  [day(6), aCollection('c1', { amount: '28' })],
  [day(7), aConsumption({ chargeId: 'c2', amount: '2', mode: 'CREDIT_ONLY' })],
  [day(8), aGrant({ grantId: 'third', amount: '9' })],
  [day(9), aGrant({ grantId: 'fourth', amount: '7' })],
];

describe('a slice names the entry at which it was taken', () => {
  it('there are sources and coverings of several writes', () => {
    const { state } = written(...LIFE);
    const slices = [...state.allocations.values()].map(
      ({ kind, grantId, chargeId, amount }) => `${kind} ${grantId} ${chargeId} ${formatAmount(amount)}`,
    );

    expect(slices).toEqual([
      'SOURCE first c1 10',
      'SOURCE second c1 2',
      'SOURCE second c1 8',
      'COVER third c1 9',
      'COVER fourth c1 7',
    ]);
  });

  it('its amount leaves the grant there, and is accrued', () => {
    const { state, entries } = written(...LIFE);

    for (const { ref, kind, amount, grantId, chargeId } of state.allocations.values()) {
      const at = (offset: number) => shown(entries.get(`${ref.version}:${ref.position + offset}`)!);
      expect(at(0)).toBe(`CUSTOMER_FBO -${formatAmount(amount)} of ${grantId}, ${chargeId}`);
      expect(at(kind === 'COVER' ? 3 : 1)).toBe(
        `CUSTOMER_ACCRUED ${formatAmount(amount)} of ${grantId}, ${chargeId}`,
      );
    }
  });

  it('and an advance the entry at which it came to be owed', () => {
    const { state, entries } = written(...LIFE);
    const owed = [...state.advances.values()].map(({ entry }) =>
      shown(entries.get(`${entry.version}:${entry.position}`)!),
    );

    expect(owed).toEqual(['CUSTOMER_RECEIVABLE -20 of null, c1', 'CUSTOMER_RECEIVABLE -2 of null, c2']);
  });
});

describe('a correction names the entries that it takes back', () => {
  const corrected = () =>
    written(
      ...LIFE,
      [day(10), aRecognition('21')],
      [day(11), aCorrection('c1', '3')],
      [day(12), aCorrection('c1', '30')],
    );

  it('each is of the same sub-account, grant and charge, and of the other sign', () => {
    const { entries } = corrected();
    const reversing = [...entries.values()].filter((leg) => leg.reverses !== undefined);

    for (const leg of reversing) {
      const { version, position } = leg.reverses!;
      const taken = entries.get(`${version}:${position}`)!;
      expect(subAccountKey(taken.account)).toBe(subAccountKey(leg.account));
      expect([taken.grantId, taken.chargeId]).toEqual([leg.grantId, leg.chargeId]);
      expect(taken.amount < 0n).toBe(leg.amount > 0n);
    }
    expect(reversing.length).toBeGreaterThan(10);
  });

  it('what it gives back, what it makes smaller and what was revenue is kept', () => {
    const { state } = corrected();
    const slices = [...state.allocations.values()].map(({ kind, grantId, returned, recognized }) =>
      [kind, grantId, formatAmount(returned), formatAmount(recognized)].join(' '),
    );

    expect(slices).toEqual([
      'SOURCE first 3 7',
      'SOURCE second 2 0',
      'SOURCE second 8 0',
      'COVER third 9 0',
      'COVER fourth 7 0',
      // of c2: what came back covers it at once
      'COVER first 0 0',
    ]);
  });
});
