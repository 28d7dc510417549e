import { describe, expect, it } from 'vitest';
import { decide } from '../../src/credit/decide.ts';
import type { Command } from '../../src/credit/command.ts';
import { LATEST, NEVER } from '../../src/instant.ts';
import {
  aBook,
  aCancellation,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  anAdjustmentDown,
  aPayment,
  aRecognition,
  aReport,
  aReschedule,
  aVoid,
  day,
  external,
  invoice,
  until,
  type Write,
} from '../support/builders.ts';
import { refusalOf } from './readable.ts';

/** Every way a command is refused, as its caller hears it: always on day 5. */

const GRANT: Write = [day(1), aGrant()];
const OPEN: Write = [day(1), aCharge({ type: 'USAGE_BASED' })];
const WAITING: Write = [day(1), aGrant({ paid: external('ON_SETTLEMENT') })];
const NOW = '2026-01-05T00:00:00.000Z';

const refused = (writes: readonly Write[], command: Command) =>
  refusalOf(() => decide(aBook(...writes), command, day(5)));

describe('a refusal names its reason, what it is about, and says why', () => {
  it.each<[why: string, writes: readonly Write[], command: Command, metadata: object]>([
    ['this customer has no grant g1', [], aVoid('g1'), { reason: 'GRANT_NOT_FOUND', id: 'g1' }],
    [
      'grant g1 has expired',
      [[day(1), aGrant({ expiry: until(day(5)) })]],
      aVoid('g1'),
      { reason: 'GRANT_EXPIRED', id: 'g1', state: 'EXPIRED' },
    ],
    [
      'grant g1 has nothing left',
      [
        [day(1), aGrant({ amount: '10' })],
        [day(2), aConsumption()],
      ],
      aVoid('g1'),
      { reason: 'GRANT_EXHAUSTED', id: 'g1', state: 'EXHAUSTED' },
    ],
    [
      'grant g1 is voided',
      [GRANT, [day(2), aVoid('g1')]],
      aReschedule('g1', { expiresAt: NEVER }),
      { reason: 'GRANT_VOIDED', id: 'g1', state: 'VOIDED' },
    ],
    [
      'grant g1 is credit already: its effective_at cannot move',
      [GRANT],
      aReschedule('g1', { effectiveAt: day(9) }),
      { reason: 'GRANT_NOT_PENDING', id: 'g1', state: 'ACTIVE' },
    ],
    [
      'grant g1 is promotional: nobody pays for it',
      [GRANT],
      aPayment('g1', 'SETTLED'),
      { reason: 'NOT_FUNDED', id: 'g1', state: 'NONE' },
    ],
    [
      'grant g1: ISSUED is for credit paid through an invoice',
      [WAITING],
      aPayment('g1', 'ISSUED'),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'NONE' },
    ],
    [
      'grant g1: SETTLED cannot follow FAILED',
      [WAITING, [day(2), aPayment('g1', 'FAILED')]],
      aPayment('g1', 'SETTLED'),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'FAILED' },
    ],
    [
      'grant g1: FAILED comes too late: it is credit already, void it instead',
      [[day(1), aGrant({ paid: external('ON_CREATION') })]],
      aPayment('g1', 'FAILED'),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'NONE' },
    ],
    [
      'grant g1: AUTHORIZED cannot follow SETTLED',
      [WAITING, [day(2), aPayment('g1', 'SETTLED')]],
      aPayment('g1', 'AUTHORIZED'),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'SETTLED' },
    ],
    [
      'grant g1: SETTLED occurred before the event recorded last (2026-01-03T00:00:00.000Z)',
      [WAITING, [day(3), aPayment('g1', 'AUTHORIZED')]],
      aPayment('g1', 'SETTLED', day(3) - 1),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'AUTHORIZED' },
    ],
    [
      'grant g1: SETTLED occurred before the grant did (2026-01-01T00:00:00.000Z)',
      [WAITING],
      aPayment('g1', 'SETTLED', day(1) - 1),
      { reason: 'SETTLEMENT_OUT_OF_ORDER', id: 'g1', state: 'NONE' },
    ],
    ['this customer has no charge c1', [], aCollection('c1'), { reason: 'CHARGE_NOT_FOUND', id: 'c1' }],
    [
      'charge c1 is CANCELED',
      [OPEN, [day(2), aCancellation('c1')]],
      aReport('c1', '5'),
      { reason: 'CHARGE_NOT_OPEN', id: 'c1', state: 'CANCELED' },
    ],
    [
      'charge c1 is FINAL',
      [GRANT, [day(2), aConsumption()]],
      aCancellation('c1'),
      { reason: 'CHARGE_NOT_OPEN', id: 'c1', state: 'FINAL' },
    ],
    [
      '10.01 cannot be given back: credit and advances of charge c1 come to 10',
      [GRANT, [day(2), aConsumption()]],
      aCorrection('c1', '10.01'),
      { reason: 'CORRECTION_TOO_LARGE', id: 'c1', state: '10' },
    ],
    [
      '10 USD was requested without a feature key, 0 is eligible',
      [],
      aConsumption(),
      { reason: 'INSUFFICIENT_CREDIT', requested: '10', eligible: '0', currency: 'USD', feature_key: '' },
    ],
    [
      '101.5 USD was requested for feature "a", 100 is eligible',
      [GRANT],
      anAdjustmentDown({ amount: '101.5', featureKey: 'a' }),
      {
        reason: 'INSUFFICIENT_CREDIT',
        requested: '101.5',
        eligible: '100',
        currency: 'USD',
        feature_key: 'a',
      },
    ],
    [
      '11 USD was to be recognized, 10 is accrued',
      [GRANT, [day(2), aConsumption()]],
      aRecognition('11'),
      { reason: 'INSUFFICIENT_CREDIT', requested: '11', eligible: '10', currency: 'USD', feature_key: '' },
    ],
  ])('%s', (message, writes, command, { reason, ...metadata }: { reason?: string }) => {
    expect(refused(writes, command)).toEqual({ reason, message, metadata });
  });
});

describe('a wrong field is named with its rule', () => {
  it.each<[field: string, rule: string, message: string, writes: readonly Write[], command: Command]>([
    [
      'expires_at',
      'expires_at.after_effective_at',
      'must be later than effective_at (2026-01-03T00:00:00.000Z)',
      [],
      aGrant({ effectiveAt: day(3), expiry: until(day(3)) }),
    ],
    [
      'expires_after',
      'expires_after.after_effective_at',
      `must be later than effective_at (${NOW})`,
      [],
      aGrant({ expiry: { kind: 'after', duration: 'PT0S' } }),
    ],
    [
      'expires_after',
      'timestamp.range',
      'must end before the year 10000',
      [],
      aGrant({ expiry: { kind: 'after', duration: 'P7974Y' } }),
    ],
    [
      'expires_after',
      'timestamp.range',
      'must end before the year 10000',
      [],
      aGrant({ expiry: { kind: 'after', duration: 'P300000Y' } }),
    ],
    [
      'expires_at',
      'timestamp.range',
      'must end before the year 10000',
      [],
      aGrant({ expiry: until(LATEST + 1) }),
    ],
    [
      'effective_at',
      'effective_at.lives',
      'must be later than 2026-01-09T00:00:00.000Z; the expiry would be 2026-01-09T00:00:00.000Z',
      [[day(1), aGrant({ effectiveAt: day(7), expiry: until(day(9)) })]],
      aReschedule('g1', { effectiveAt: day(9) }),
    ],
    [
      'expires_at',
      'expires_at.lives',
      `must be later than ${NOW}; the expiry would be ${NOW}`,
      [[day(5), aGrant()]],
      aReschedule('g1', { expiresAt: day(5) }),
    ],
    [
      'occurred_at',
      'occurred_at.not_in_future',
      `must not lie in the future (now is ${NOW})`,
      [WAITING],
      aPayment('g1', 'SETTLED', day(5) + 1),
    ],
    [
      'booked_at',
      'booked_at.not_in_future',
      `must not lie in the future (now is ${NOW})`,
      [GRANT],
      aConsumption({ bookedAt: day(5) + 1 }),
    ],
    [
      'booked_at',
      'booked_at.not_in_future',
      `must not lie in the future (now is ${NOW})`,
      [],
      aRecognition(null, { bookedAt: day(5) + 1 }),
    ],
    [
      'amount',
      'amount.flat_fee',
      'must be above zero for a FLAT_FEE',
      [[day(1), aCharge()]],
      aReport('c1', '0'),
    ],
  ])('%s: %s', (field, rule, message, writes, command) => {
    expect(refused(writes, command)).toMatchObject({
      reason: 'INVALID_FIELD',
      violations: [{ field, rule, message }],
    });
  });

  it.each<[what: string, command: Command]>([
    ['a report', aReport('c1', '1.005')],
    ['a collection', aCollection('c1', { amount: '1.005' })],
    ['a correction', aCorrection('c1', '1.005')],
  ])('and so is an amount of %s with more decimals than its currency has', (_what, command) => {
    expect(refused([GRANT, OPEN], command)).toMatchObject({
      reason: 'TOO_PRECISE',
      violations: [
        {
          field: 'amount',
          rule: 'TOO_PRECISE',
          message: '1.005 has more decimals than USD, which has 2',
        },
      ],
    });
  });
});

describe('what is just within a limit is taken', () => {
  it.each<[what: string, writes: readonly Write[], command: Command]>([
    ['an expiry at the last instant there is', [], aGrant({ expiry: until(LATEST) })],
    [
      'a payment at the very instant of the last one',
      [WAITING, [day(3), aPayment('g1', 'AUTHORIZED')]],
      aPayment('g1', 'SETTLED', day(3)),
    ],
    ['a payment at the instant the grant was recorded', [WAITING], aPayment('g1', 'SETTLED', day(1))],
    [
      'a payment that fails after it was settled, while no credit has come of it',
      [[day(1), aGrant({ paid: external('ON_SETTLEMENT', 'SETTLED'), effectiveAt: day(9) })]],
      aPayment('g1', 'FAILED'),
    ],
    [
      'a payment of an invoice never issued',
      [[day(1), aGrant({ paid: invoice('ON_SETTLEMENT') })]],
      aPayment('g1', 'AUTHORIZED'),
    ],
    ['an expiry a millisecond from now', [GRANT], aReschedule('g1', { expiresAt: day(5) + 1 })],
    ['all the revenue there is', [GRANT, [day(2), aConsumption()]], aRecognition('10')],
    ['all that a charge has collected', [GRANT, [day(2), aConsumption()]], aCorrection('c1', '10')],
  ])('%s', (_what, writes, command) => {
    expect(decide(aBook(...writes), command, day(5)).changed).toBe(true);
  });
});
