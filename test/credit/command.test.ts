import { describe, expect, it } from 'vitest';
import { COMMANDS, specOf, type Command, type CommandOf } from '../../src/credit/command.ts';
import { decide } from '../../src/credit/decide.ts';
import type { CommandSpec } from '../../src/credit/spec.ts';
import { refusalOf } from './readable.ts';
import {
  aBook,
  aCharge,
  aCollection,
  aConsumption,
  aGrant,
  aPayment,
  aPosting,
  aRecognition,
  day,
  external,
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
    expect(specOf(command).needs(command).historySince ?? null).toBe(from);
  });
});

describe('what is told as having happened ahead of now', () => {
  const LEEWAY = 1_000;
  const now = day(5);

  it.each<[what: string, commandAt: (told: number | null) => Command, field: string]>([
    ['a consumption', (told) => aConsumption({ chargeId: 'c2', bookedAt: told }), 'booked_at'],
    ['a collection', (told) => aCollection('c1', { bookedAt: told }), 'booked_at'],
    ['revenue', (told) => aRecognition(null, { bookedAt: told }), 'booked_at'],
    ['a posting by hand', (told) => aPosting('5', told), 'booked_at'],
    ['a payment', (told) => aPayment('paid', 'SETTLED', told), 'occurred_at'],
  ])('happened now, as far as clocks may differ: %s', (_what, commandAt, field) => {
    const book = aBook(
      [day(1), aGrant({ grantId: 'g1' })],
      [day(1), aGrant({ grantId: 'paid', paid: external('ON_CREATION') })],
      [day(2), aCharge({ chargeId: 'c1' })],
      [day(3), aConsumption({ chargeId: 'c0' })],
    );
    const told = (at: number | null) => decide(book, commandAt(at), now, LEEWAY);

    expect(told(null).changed).toBe(true);
    expect(told(now)).toEqual(told(null));
    expect(told(now + 1)).toEqual(told(null));
    expect(told(now + LEEWAY)).toEqual(told(null));
    expect(told(now - 1)).not.toEqual(told(null));
    expect(refusalOf(() => told(now + LEEWAY + 1)).metadata).toEqual({
      field,
      rule: `${field}.not_in_future`,
    });
  });

  it('leaves alone what may lie ahead', () => {
    const { answer } = decide(aBook(), aGrant({ effectiveAt: now + 1 }), now, LEEWAY);

    expect(answer.grant.effectiveAt).toBe(now + 1);
  });
});

describe('what has to be said of a command', () => {
  it('is missed by the type checker where it is forgotten', () => {
    const { method, ...nameless } = COMMANDS.voidGrant;
    const { cause, ...causeless } = COMMANDS.voidGrant;
    const { needs, ...needless } = COMMANDS.voidGrant;
    const { brings, ...currencyless } = COMMANDS.voidGrant;
    const { decide: decides, ...undecided } = COMMANDS.voidGrant;
    const { voidGrant, ...others } = COMMANDS;

    // @ts-expect-error what its write is called is missing
    nameless satisfies CommandSpec<CommandOf<'voidGrant'>>;
    // @ts-expect-error what a watcher is told is missing
    causeless satisfies CommandSpec<CommandOf<'voidGrant'>>;
    // @ts-expect-error what is to be loaded is missing
    needless satisfies CommandSpec<CommandOf<'voidGrant'>>;
    // @ts-expect-error which currencies it may bring is missing
    currencyless satisfies CommandSpec<CommandOf<'voidGrant'>>;
    // @ts-expect-error what it does is missing
    undecided satisfies CommandSpec<CommandOf<'voidGrant'>>;
    // @ts-expect-error the whole command is missing
    others satisfies Record<Command['kind'], unknown>;

    expect([method, cause, needs, brings, decides, voidGrant]).not.toContain(undefined);
  });
});
