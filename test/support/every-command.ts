import { createHash } from 'node:crypto';
import type { Command } from '../../src/credit/command.ts';
import { idOf } from '../../src/id.ts';
import { NEVER, type Instant } from '../../src/instant.ts';
import {
  aCancellation,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  anAdjustmentDown,
  anAdjustmentUp,
  aPayment,
  aPosting,
  aRecognition,
  aReport,
  aReschedule,
  aVoid,
  day,
  external,
  invoice,
  until,
} from './builders.ts';

/**
 * A book in which everything has happened and more is about to, and every command there is to play on it, each in the
 * ways that matter: told late, refused, changing nothing, about something closed, made possible by what falls due.
 */

/** The same for a name in every book. */
export const grant = (name: string): string => idOf('grt', digest(name));
export const charge = (name: string): string => idOf('chg', digest(name));
const digest = (name: string): string => createHash('md5').update(name).digest('hex');

/** When the book was written last, when some of it falls due, and when the plays are made. */
const LAST: Instant = day(3);
const DUE: Instant = day(3.5);
export const NOW: Instant = day(4);

type Timed = readonly [
  at: Instant,
  command: Command | ((posted: readonly string[]) => Command),
  key?: string,
];

const grants = (name: string, given: Parameters<typeof aGrant>[0] = {}) =>
  aGrant({ grantId: grant(name), ...given });
const spend = (name: string, amount: string, given: Parameters<typeof aConsumption>[0] = {}) =>
  aConsumption({ chargeId: charge(name), amount, ...given });
const opens = (name: string, amount: string, given: Parameters<typeof aCharge>[0] = {}) =>
  aCharge({ chargeId: charge(name), amount, ...given });

/** What happened before, in order; a reversal names the transactions that were posted by hand so far. */
export const BEFORE: readonly Timed[] = [
  // Credit that was taken and given back: a late booking may take what nobody took meanwhile, and no more.
  [day(1), grants('idle'), 'first'],
  [day(2), spend('given back', '60')],
  [day(2.25), aCorrection(charge('given back'), '60')],
  // Used up, expired with something left, voided, called off, lapsed unpaid.
  [day(1), grants('used up', { amount: '5', priority: 1 })],
  [day(1.25), spend('uses it up', '5')],
  [day(1.25), grants('gone', { amount: '20', priority: 2, expiry: until(day(2.5)) })],
  [day(1.5), spend('some of it', '3')],
  [day(1.5), grants('voided', { amount: '8', featureKeys: ['v'] })],
  [day(1.75), spend('before the void', '2', { featureKey: 'v' })],
  [day(1.75), aVoid(grant('voided'))],
  [day(1.75), grants('called off', { effectiveAt: day(9) })],
  [day(1.75), aVoid(grant('called off'))],
  [day(1.75), grants('lapsed', { amount: '7', paid: external('ON_SETTLEMENT'), expiry: until(day(2.75)) })],
  // Paid in steps; still unpaid; an invoice.
  [day(2), grants('paid for', { amount: '40', paid: external('ON_CREATION', 'AUTHORIZED') })],
  [day(2), grants('unpaid', { amount: '30', paid: external('ON_SETTLEMENT') })],
  [day(2), grants('invoiced', { amount: '12', paid: invoice('ON_CREATION') })],
  [day(2.5), spend('told late', '9', { bookedAt: day(1.6) })],
  // Charges that are closed, with an advance that nothing has covered yet; open ones; one collected twice.
  [day(2), spend('owes', '15', { featureKey: 'b', mode: 'CREDIT_ONLY' })],
  [day(2), spend('owes more', '4', { featureKey: 'c', mode: 'CREDIT_ONLY' })],
  [day(2), opens('usage', '20', { type: 'USAGE_BASED', mode: 'CREDIT_ONLY', featureKey: 'c' })],
  [day(2.5), aCollection(charge('usage'), { amount: '6' })],
  [day(2.75), aCollection(charge('usage'), { amount: '2' })],
  [day(2), opens('fee', '25', { mode: 'CREDIT_THEN_INVOICE', holdExpiresAt: DUE })],
  [day(2), opens('next', '10', { startsAt: DUE })],
  [day(2.5), aRecognition('4')],
  [day(2.5), aPosting('3')],
  [day(2.5), aPosting('2')],
  [day(2.75), (posted) => ({ kind: 'reverseManually', transactionId: posted[1]!, reason: 'twice' })],
  // Falls due between the last write and the plays: credit that covers, credit that goes.
  [day(2.75), grants('will cover', { amount: '10', featureKeys: ['b'], effectiveAt: DUE })],
  [day(2.75), grants('will go', { amount: '11', featureKeys: ['a'], expiry: until(DUE) })],
  [day(2.75), grants('ahead', { amount: '6', effectiveAt: day(6), expiry: until(day(8)) })],
  [LAST, spend('last', '1'), 'last'],
];

/** One command in one way; `key` where a repeat of it, or of what was before, is meant. */
export type Way<C extends Command = Command> = {
  readonly as: string;
  readonly command: (posted: readonly string[]) => C;
  readonly key?: string;
};

const way = <C extends Command>(as: string, command: C | Way<C>['command'], key?: string): Way<C> => ({
  as,
  command: typeof command === 'function' ? command : () => command,
  ...(key !== undefined && { key }),
});

const LATE = day(1.5);
const modes = ['PREPAID_ONLY', 'CREDIT_ONLY', 'CREDIT_THEN_INVOICE'] as const;

/** Every command there is: one that is forgotten is a type error. */
const WAYS: { readonly [K in Command['kind']]: readonly Way<Extract<Command, { kind: K }>>[] } = {
  createGrant: [
    way('for now', grants('new')),
    way(
      'that covers an advance from before',
      grants('covers', { amount: '9', effectiveAt: day(1), priority: 3 }),
    ),
    way('of what has come and gone', grants('history', { effectiveAt: day(1), expiry: until(day(2)) })),
    way('for later', grants('later', { effectiveAt: day(7), featureKeys: ['c'] })),
    way('under a new key', grants('keyed', { amount: '3' }), 'made'),
    way('that was the first write', grants('idle'), 'first'),
    way('under a key of something else', grants('other', { amount: '4' }), 'first'),
  ],
  voidGrant: [
    way('with something left', aVoid(grant('idle'))),
    way('that is voided', aVoid(grant('voided'))),
    way('that is ahead', aVoid(grant('ahead'), 'RELEASE_UNPAID')),
    way('that has just gone', aVoid(grant('will go'))),
    way('that is unpaid', aVoid(grant('invoiced'), 'RELEASE_UNPAID')),
  ],
  rescheduleGrant: [
    way('to now', aReschedule(grant('ahead'), { effectiveAt: LAST })),
    way('to what it is', aReschedule(grant('ahead'), { effectiveAt: day(6) })),
    way('by its expiry', aReschedule(grant('idle'), { expiresAt: day(5) })),
    way('that has just covered, to what it is', aReschedule(grant('will cover'), { expiresAt: NEVER })),
    way('to have expired', aReschedule(grant('idle'), { expiresAt: LATE })),
    way('that is voided', aReschedule(grant('voided'), { expiresAt: day(9) })),
  ],
  updateSettlement: [
    way('settled in the past', aPayment(grant('unpaid'), 'SETTLED', day(2.5))),
    way('failed', aPayment(grant('unpaid'), 'FAILED')),
    way('settled after all', aPayment(grant('lapsed'), 'SETTLED', day(2.5))),
    way('that it had', aPayment(grant('paid for'), 'AUTHORIZED')),
    way('of promotional credit', aPayment(grant('idle'), 'SETTLED')),
  ],
  consume: [
    ...modes.map((mode) => way(`late, ${mode}`, spend(`late ${mode}`, '90', { bookedAt: LATE, mode }))),
    way('a little ahead', spend('ahead', '2', { bookedAt: NOW + 500 })),
    ...modes.map((mode) => way(`now, ${mode}`, spend(`now ${mode}`, '130', { mode }))),
    way('a little, late', spend('a little', '40', { bookedAt: LATE })),
    way('between', spend('between', '5', { bookedAt: day(3.25), featureKey: 'a' })),
    way('of a feature', spend('feature', '12', { featureKey: 'b', mode: 'CREDIT_ONLY' })),
    way('under a new key', spend('keyed', '2'), 'made'),
    way('that was the last write', spend('last', '1'), 'last'),
  ],
  createCharge: [
    way('open', opens('new', '10', { mode: 'CREDIT_ONLY' })),
    way('that live must cover', opens('covered', '110', { requireLive: true })),
  ],
  updateCharge: [
    way('to more', aReport(charge('usage'), '30', 1)),
    way('again', aReport(charge('usage'), '30', 1)),
    way('that is closed', aReport(charge('owes'), '30')),
  ],
  collectCharge: [
    way('what is outstanding', aCollection(charge('usage'))),
    way('late', aCollection(charge('fee'), { amount: '35', bookedAt: LATE, finalize: true })),
    way('nothing', aCollection(charge('next'), { amount: '0' })),
  ],
  correctCharge: [
    way('that took of what is used up', aCorrection(charge('uses it up'), '5')),
    way('that took of what is gone', aCorrection(charge('some of it'), '2')),
    way('that took of what is voided', aCorrection(charge('before the void'), '1')),
    way('that owes', aCorrection(charge('owes'), '8')),
    way('that is open', aCorrection(charge('usage'), '7')),
    way('too much', aCorrection(charge('last'), '2')),
  ],
  cancelCharge: [
    way('that is open', aCancellation(charge('fee'))),
    way('that is final', aCancellation(charge('last'))),
  ],
  adjustUp: [
    way('all', anAdjustmentUp({ grantId: grant('up') })),
    way('of a feature', anAdjustmentUp({ grantId: grant('up c'), featureKeys: ['c'], amount: '3' })),
  ],
  adjustDown: [way('some', anAdjustmentDown()), way('too much', anAdjustmentDown({ amount: '1000' }))],
  recognizeRevenue: [
    way('all', aRecognition()),
    way('some', aRecognition('5')),
    way('of before', aRecognition(null, { bookedAt: day(2) })),
    way('too much', aRecognition('1000')),
  ],
  postManually: [way('cash', aPosting('7')), way('cash of before', aPosting('7', LATE))],
  reverseManually: [
    way('one', (posted) => ({ kind: 'reverseManually', transactionId: posted[0]!, reason: 'wrong' })),
    way('one that is reversed', (posted) => ({ ...reversal, transactionId: posted[1]! })),
    way('one there is not', {
      kind: 'reverseManually',
      transactionId: idOf('txn', digest('none')),
      reason: '',
    }),
  ],
  bookDue: [way('all', { kind: 'bookDue' })],
};

const reversal = { kind: 'reverseManually', reason: 'wrong' } as const;

/** All of them, in one list, each named. */
export const ALL_WAYS: readonly Way[] = Object.entries(WAYS).flatMap(([kind, ways]) =>
  (ways as readonly Way[]).map((one) => ({ ...one, as: `${kind} ${one.as}` })),
);

/** The command with ids of its own for what it makes: somebody who asks again makes something else. */
export function freshIds(command: Command, place: number): Command {
  if (command.kind === 'createGrant' || command.kind === 'adjustUp') {
    return { ...command, grantId: grant(`${command.grantId} ${place}`) };
  }
  if (command.kind === 'consume' || command.kind === 'createCharge') {
    return { ...command, chargeId: charge(`${command.chargeId} ${place}`) };
  }
  return command;
}
