import { describe, expect, it } from 'vitest';
import { booksFrom, type Command } from '../../src/credit/command.ts';
import {
  aCharge,
  aCollection,
  aConsumption,
  aGrant,
  aPayment,
  aRecognition,
  day,
} from '../support/builders.ts';

describe('how far back a command needs the history of grants', () => {
  it.each<[what: string, command: Command, from: number | null]>([
    ['a consumption told late', aConsumption({ bookedAt: day(2) }), day(2)],
    ['a collection told late', aCollection('c1', { bookedAt: day(3) }), day(3)],
    ['a consumption of now', aConsumption(), null],
    // The rest takes from grants now, or tells of what nobody could have taken from.
    ['a charge', aCharge({ startsAt: day(2) }), null],
    ['a grant told late', aGrant({ effectiveAt: day(2) }), null],
    ['a payment told late', aPayment('g1', 'SETTLED', day(2)), null],
    ['revenue recognized late', aRecognition(null, { bookedAt: day(2) }), null],
  ])('%s', (_what, command, from) => {
    expect(booksFrom(command)).toBe(from);
  });
});
