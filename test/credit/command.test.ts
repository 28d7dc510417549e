import { describe, expect, it } from 'vitest';
import { booksFrom, inTime, type Command } from '../../src/credit/command.ts';
import {
  aCharge,
  aCollection,
  aConsumption,
  aGrant,
  aPayment,
  aPosting,
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

describe('what is told as having happened ahead of now', () => {
  const LEEWAY = 1_000;
  const now = day(5);

  it.each<[what: string, commandAt: (told: number | null) => Command]>([
    ['a consumption', (told) => aConsumption({ bookedAt: told })],
    ['a collection', (told) => aCollection('c1', { bookedAt: told })],
    ['revenue', (told) => aRecognition(null, { bookedAt: told })],
    ['a posting by hand', (told) => aPosting('5', told)],
    ['a payment', (told) => aPayment('g1', 'SETTLED', told)],
  ])('happened now, as far as clocks may differ: %s', (_what, commandAt) => {
    const means = (told: number | null) => inTime(commandAt(told), now, LEEWAY);

    expect(means(now + 1)).toEqual(commandAt(now));
    expect(means(now + LEEWAY)).toEqual(commandAt(now));
    expect(means(now + LEEWAY + 1)).toEqual(commandAt(now + LEEWAY + 1));
    expect(means(now - 1)).toEqual(commandAt(now - 1));
    expect(means(null)).toEqual(commandAt(null));
  });

  it('leaves alone what may lie ahead', () => {
    const grant = aGrant({ effectiveAt: now + 1 });

    expect(inTime(grant, now, LEEWAY)).toBe(grant);
  });
});
