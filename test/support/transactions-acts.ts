import fc from 'fast-check';
import type { Instant } from '../../src/instant.ts';
import { at } from './requests.ts';

/**
 * Random requests of every RPC that writes, told without instants and ids: those depend on when they are sent, and on
 * what there is by then. Many are refused, as in life.
 */

/** Instants lie on a grid this wide, so that different events often fall on the same one. */
export const GRID = 3_600_000;

/** What a request may refer to. Ids in the order in which they were given. */
export type Known = {
  readonly now: Instant;
  /** How many requests were sent before this one. */
  readonly sent: number;
  readonly grants: readonly string[];
  /** Of the grants, those that somebody pays for. */
  readonly paid: readonly string[];
  readonly charges: readonly string[];
  /** Of the charges, those that were not made and closed in one step. */
  readonly open: readonly string[];
};

export type Act = { readonly rpc: string; readonly request: (known: Known) => object };

const CURRENCIES = ['USD', 'USD', 'USD', 'EUR'] as const;
const currency = fc.constantFrom(...CURRENCIES);
const amount = fc.constantFrom('1', '2', '3', '5', '0.25');
const featureKey = fc.constantFrom(undefined, undefined, 'a', 'a', 'b');
const featureKeys = fc.constantFrom<string[][]>([], [], ['a'], ['b'], ['a', 'b']);
const settlementMode = fc.constantFrom(
  'SETTLEMENT_MODE_CREDIT_ONLY',
  'SETTLEMENT_MODE_CREDIT_ONLY',
  'SETTLEMENT_MODE_CREDIT_THEN_INVOICE',
  'SETTLEMENT_MODE_PREPAID_ONLY',
);

type Steps = number | null;
const maybe = (min: number, max: number, freq = 2): fc.Arbitrary<Steps> =>
  fc.option(fc.integer({ min, max }), { freq });
const sometimes = fc.nat(3).map((n) => n === 0);

/** Grid steps from an instant; null leaves the field out. */
const after = (instant: Instant, steps: Steps): string | undefined =>
  steps === null ? undefined : at(instant + steps * GRID);

const NOTHING_THERE = `_${'0'.repeat(32)}`;
/** One of the newest few. */
const which = fc.nat(5);
const grantOf = (ids: readonly string[], back: number) => ids.at(-1 - back) ?? `grt${NOTHING_THERE}`;
const chargeOf = (ids: readonly string[], back: number) => ids.at(-1 - back) ?? `chg${NOTHING_THERE}`;

const paidBy = (method: string, availabilityPolicy: string, status?: string) => ({
  method: `FUNDING_METHOD_${method}`,
  availabilityPolicy: `AVAILABILITY_POLICY_${availabilityPolicy}`,
  purchaseCurrency: 'USD',
  perUnitCostBasis: '0.5',
  ...(status !== undefined && { initialSettlementStatus: `SETTLEMENT_STATUS_${status}` }),
});

const funding = fc.constantFrom<(object | undefined)[]>(
  undefined,
  undefined,
  undefined,
  paidBy('EXTERNAL', 'ON_CREATION'),
  paidBy('EXTERNAL', 'ON_SETTLEMENT'),
  paidBy('EXTERNAL', 'ON_AUTHORIZATION', 'SETTLED'),
  paidBy('INVOICE', 'ON_CREATION'),
  paidBy('INVOICE', 'ON_AUTHORIZATION', 'ISSUED'),
);

const createGrant = fc
  .record({
    terms: fc.record({
      currency,
      featureKeys,
      funding,
      amount: fc.constantFrom('1', '4', '6', '10', '2.5'),
      priority: fc.constantFrom(10, 10, 5),
    }),
    effective: maybe(-8, 5),
    life: maybe(1, 14, 3),
  })
  .map(({ terms, effective, life }): Act => {
    const request = ({ now, sent }: Known) => ({
      ...terms,
      name: `grant ${sent}`,
      labels: { sent: String(sent) },
      effectiveAt: after(now, effective),
      expiresAt: after(now + (effective ?? 0) * GRID, life),
    });
    return { rpc: 'CreateGrant', request };
  });

const settle = fc
  .record({
    status: fc.constantFrom('ISSUED', 'AUTHORIZED', 'SETTLED', 'SETTLED', 'FAILED'),
    back: fc.nat(3),
    occurred: maybe(-4, 0),
  })
  .map(({ status, back, occurred }): Act => {
    const request = ({ now, paid }: Known) => ({
      grantId: grantOf(paid, back),
      status: `SETTLEMENT_STATUS_${status}`,
      occurredAt: after(now, occurred),
    });
    return { rpc: 'UpdateGrantSettlement', request };
  });

const voidGrant = fc.record({ back: which, release: fc.boolean() }).map(({ back, release }): Act => {
  const paymentAdjustment = `PAYMENT_ADJUSTMENT_${release ? 'RELEASE_UNPAID' : 'NONE'}`;
  return {
    rpc: 'VoidGrant',
    request: ({ grants }) => ({ grantId: grantOf(grants, back), paymentAdjustment }),
  };
});

const reschedule = fc
  .record({ back: which, effective: maybe(-1, 5, 1), expires: maybe(1, 12) })
  .map(({ back, effective, expires }): Act => {
    const request = ({ now, grants }: Known) => ({
      grantId: grantOf(grants, back),
      effectiveAt: after(now, effective),
      ...(expires === null ? { neverExpires: true } : { expiresAt: after(now, expires) }),
    });
    return { rpc: 'RescheduleGrant', request };
  });

const consume = fc
  .record({ terms: fc.record({ currency, amount, featureKey, settlementMode }), booked: maybe(-10, 0, 1) })
  .map(({ terms, booked }): Act => {
    const request = ({ now, sent }: Known) => ({
      ...terms,
      name: `charge ${sent}`,
      bookedAt: after(now, booked),
    });
    return { rpc: 'ConsumeCredits', request };
  });

const createCharge = fc
  .record({
    terms: fc.record({
      currency,
      amount,
      featureKey,
      settlementMode,
      requireLive: sometimes,
      type: fc.constantFrom('CHARGE_TYPE_FLAT_FEE', 'CHARGE_TYPE_USAGE_BASED'),
    }),
    starts: maybe(-3, 4),
    hold: maybe(0, 10, 1),
  })
  .map(({ terms, starts, hold }): Act => {
    const request = ({ now, sent }: Known) => ({
      ...terms,
      name: `charge ${sent}`,
      startsAt: after(now, starts),
      holdExpiresAt: after(now, hold),
    });
    return { rpc: 'CreateCharge', request };
  });

const updateCharge = fc
  .record({ back: fc.nat(2), total: fc.constantFrom('0', '1', '4', '9') })
  .map(({ back, total }): Act => {
    const request = ({ open }: Known) => ({ chargeId: chargeOf(open, back), amount: total });
    return { rpc: 'UpdateCharge', request };
  });

const collect = fc
  .record({
    back: fc.nat(2),
    part: fc.option(amount, { freq: 1 }),
    booked: maybe(-6, 0),
    finalize: sometimes,
  })
  .map(({ back, part, booked, finalize }): Act => {
    const request = ({ now, open }: Known) => ({
      chargeId: chargeOf(open, back),
      amount: part ?? undefined,
      finalize,
      bookedAt: after(now, booked),
    });
    return { rpc: 'CollectCharge', request };
  });

const correct = fc
  .record({ back: fc.nat(9), amount: fc.constantFrom('0.25', '1', '1', '3') })
  .map(({ back, amount: part }): Act => {
    const request = ({ charges }: Known) => ({ chargeId: chargeOf(charges, back), amount: part });
    return { rpc: 'CorrectCharge', request };
  });

const cancel = fc.nat(2).map((back): Act => {
  return { rpc: 'CancelCharge', request: ({ open }) => ({ chargeId: chargeOf(open, back) }) };
});

const adjust = fc
  .record({ currency, amount, up: fc.boolean(), featureKeys, featureKey })
  .map(({ up, featureKeys: keys, featureKey: key, ...terms }): Act => {
    const request = up ? { featureKeys: keys } : { amount: `-${terms.amount}`, featureKey: key };
    return {
      rpc: 'CreateAdjustment',
      request: ({ sent }) => ({ ...terms, ...request, reason: `n° ${sent}` }),
    };
  });

/** One of everything that writes, the more often the more it moves, or is refused. */
export const act: fc.Arbitrary<Act> = fc.oneof(
  createGrant,
  createGrant,
  createGrant,
  createGrant,
  settle,
  settle,
  voidGrant,
  reschedule,
  adjust,
  consume,
  consume,
  consume,
  consume,
  correct,
  correct,
  correct,
  createCharge,
  createCharge,
  updateCharge,
  collect,
  collect,
  collect,
  cancel,
);
