import { beforeAll, describe, expect, test } from 'vitest';
import { formatAmount, parseAmount, sumAmounts, type Amount } from '../../../src/amount.ts';
import { shardOf } from '../../../src/tables/book-key.ts';
import type { Instant } from '../../../src/instant.ts';
import { day } from '../../support/builders.ts';
import { CURRENCIES, GRID, START, type Step } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { longHistories, playThrough } from '../../support/played.ts';
import { at, grantRequest } from '../../support/requests.ts';
import { call, type Json } from '../../support/service.ts';
import { testWorld } from '../../support/world.ts';

/**
 * The trial balance of a customer and of a namespace: zero in sum at every point of both time axes, and the same as
 * what grants and the customer's history say by other ways.
 */

const { caller, url, time } = await testWorld();

/** Credit forfeited with RELEASE_UNPAID goes back to the receivable instead of breakage: left to the posting rules. */
const withoutRelease = (step: Step): Step =>
  step.act.kind === 'voidGrant'
    ? { ...step, act: { kind: 'voidGrant', terms: { ...step.act.terms, release: false } } }
    : step;

const histories = longHistories(5, 20_260_401).map((steps) => steps.map(withoutRelease));
const customers = histories.map((_, i) => neighbour('customer', i));
let end: Instant;

beforeAll(async () => {
  for (const [i, steps] of histories.entries()) {
    // Lived side by side: each begins where the first did, as far as its book lets it.
    time.now = START;
    await playThrough(caller, time, steps, customers[i]!);
    end = Math.max(end ?? START, time.now);
  }
  time.now = end;
});

type Point = { readonly asOf?: string; readonly knownAt?: string };

/** Points all over both axes: the past as known then and now, now, and the forecast of then and of now. */
function points(count: number): readonly Point[] {
  const span = end - START + 30 * GRID;
  const instant = (i: number, step: number) => at(START - 10 * GRID + ((i * step) % span));
  return [
    {},
    { asOf: at(end + 20 * GRID) },
    ...Array.from({ length: count }, (_, i) => ({
      asOf: instant(i, 7_919 * 3_571),
      ...(i % 2 === 0 && { knownAt: instant(i, 104_729 * 1_009) }),
    })),
  ];
}

type Totals = Readonly<Record<string, Amount>>;

/** Every total by `currency account`. */
async function totals(request: object): Promise<Totals> {
  const { rows = [] } = await caller.answer('GetTrialBalance', request);
  return Object.fromEntries(
    (rows as Json[]).map(({ currency, accountType, amount }) => [
      `${currency} ${String(accountType).replace('ACCOUNT_TYPE_', '')}`,
      parseAmount(amount),
    ]),
  );
}

const added = (all: readonly Totals[]): Totals => {
  const sums: Record<string, Amount> = {};
  for (const one of all)
    for (const [key, amount] of Object.entries(one)) sums[key] = (sums[key] ?? 0n) + amount;
  return sums;
};

const sumIn = (of: Totals, currency: string): Amount =>
  sumAmounts(Object.entries(of).flatMap(([key, amount]) => (key.startsWith(currency) ? [amount] : [])));

describe('at random instants, as known at random instants', () => {
  test('it sums to zero in every currency, and a namespace is the sum of its customers', async () => {
    for (const point of points(40)) {
      const each = await Promise.all(customers.map((customerId) => totals({ customerId, ...point })));
      const all = await totals(point);

      for (const one of [...each, all]) {
        expect(CURRENCIES.map((currency) => sumIn(one, currency))).toEqual([0n, 0n]);
      }
      expect(all).toEqual(added(each));
    }
  });

  test('so it is at the very instants at which grants begin and end, as known at the very instants of writes', async () => {
    const lists = await Promise.all(
      customers.map((customerId) => caller.answer('ListGrants', { customerId, pageSize: 1_000 })),
    );
    const grants = lists.flatMap((list) => list['grants'] as Json[]);
    const instants = grants.flatMap(({ effectiveAt, expiresAt }) => [effectiveAt, expiresAt ?? effectiveAt]);
    for (let i = 0; i < 60; i += 1) {
      const point = {
        asOf: instants[(i * 7_919) % instants.length] as string,
        knownAt: grants[(i * 104_729) % grants.length]!['recordedAt'] as string,
      };
      const each = await Promise.all(customers.map((customerId) => totals({ customerId, ...point })));
      expect(await totals(point), JSON.stringify(point)).toEqual(added(each));
    }
  });

  test('breakage is what grants that became credit have lost by expiry and voids', async () => {
    let some = 0n;
    for (const point of points(20)) {
      for (const customerId of customers) {
        const { grants = [] } = await caller.answer('ListGrants', { customerId, pageSize: 1_000, ...point });
        const lost = (currency: string) =>
          sumAmounts(
            (grants as Json[])
              .filter((grant) => grant['currency'] === currency && grant['bookedAt'] !== undefined)
              .map((grant) => parseAmount(grant['expiredAmount']) + parseAmount(grant['voidedAmount'])),
          );
        const held = await totals({ customerId, ...point });

        const breakage = (currency: string) => held[`${currency} BREAKAGE`] ?? 0n;
        expect(CURRENCIES.map(breakage)).toEqual(CURRENCIES.map(lost));
        some += breakage('USD');
      }
    }
    expect(some).toBeGreaterThan(0n);
  });

  test('accrued and recognized is what charges have used and not given back, by the rows of the customer’s history', async () => {
    let some = 0n;
    for (const point of points(20)) {
      for (const customerId of customers) {
        const used = await usedBy(customerId, point);
        const held = await totals({ customerId, ...point });

        const accrued = (currency: string) =>
          (held[`${currency} CUSTOMER_ACCRUED`] ?? 0n) + (held[`${currency} EARNINGS`] ?? 0n);
        expect(CURRENCIES.map(accrued)).toEqual(CURRENCIES.map((currency) => used(currency)));
        some += accrued('USD');
      }
    }
    expect(some).toBeGreaterThan(0n);
  });
});

async function usedBy(customerId: string, point: Point): Promise<(currency: string) => Amount> {
  const types = ['TRANSACTION_TYPE_CONSUMED', 'TRANSACTION_TYPE_CORRECTED'];
  const result = await call(url, 'credit.v1.CreditService/ListTransactions', {
    customerId,
    pageSize: 1_000,
    types,
    ...point,
  });
  const rows: readonly Json[] = result.ok ? (result.answer['transactions'] ?? []) : [];
  return (currency) =>
    -sumAmounts(rows.filter((row) => row['currency'] === currency).map((row) => parseAmount(row['amount'])));
}

test('it says now of an instant ahead what it says when that instant has come', async () => {
  const asOf = at(end + 15 * GRID);
  const foretold = await totals({ asOf });
  time.now = end + 15 * GRID;

  expect(await totals({})).toEqual(foretold);
  time.now = end;
});

test('what has fallen due and nobody has written is in it', async () => {
  const namespace = 'due';
  time.now = end;
  const scheduled = { effectiveAt: at(end + GRID), expiresAt: at(end + 2 * GRID), amount: '40' };
  await caller.answer('CreateGrant', grantRequest({ namespace, ...scheduled }));
  const held = async (more: object = {}) =>
    Object.fromEntries(
      Object.entries(await totals({ namespace, ...more })).map(([key, amount]) => [
        key.slice(4),
        formatAmount(amount),
      ]),
    );

  expect(await held()).toEqual({});
  const issued = { CUSTOMER_FBO: '40', CUSTOMER_RECEIVABLE: '0', BROKERAGE: '-40' };
  expect(await held({ asOf: at(end + GRID) })).toEqual(issued);
  time.now = end + 2 * GRID;
  expect(await held()).toEqual({ ...issued, CUSTOMER_FBO: '0', BREAKAGE: '40' });
  expect(await held({ asOf: at(end + GRID) })).toEqual(issued);
  // As known before it was granted there is nothing, whatever the instant.
  expect(await held({ knownAt: at(end - 1) })).toEqual({});
  time.now = end;
});

describe('what was foreseen of a namespace, as known before', () => {
  const LATER: Readonly<Record<string, (customerId: string, grantId: string) => Promise<unknown>>> = {
    'a write of something else': (customerId) =>
      caller.answer('CreateGrant', grantRequest({ namespace: 'then', customerId, amount: '1' })),
    'a reschedule': (customerId, grantId) =>
      caller.answer('RescheduleGrant', { namespace: 'then', customerId, grantId, neverExpires: true }),
    'a void': (customerId, grantId) => caller.answer('VoidGrant', { namespace: 'then', customerId, grantId }),
  };

  test.each(Object.entries(LATER))('%s changes nothing of it', async (customerId, write) => {
    time.now = end;
    const expiring = { expiresAt: at(end + 9 * GRID), amount: '40' };
    const request = { namespace: 'then', customerId, ...expiring };
    const { grant } = await caller.answer('CreateGrant', grantRequest(request));
    const asked = { namespace: 'then', knownAt: at(end + GRID) };
    const foreseen = async () =>
      Promise.all([2, 10].map((steps) => totals({ ...asked, asOf: at(end + steps * GRID) })));
    const before = await foreseen();
    time.now = end + 3 * GRID;
    await write(customerId, grant.id);

    expect(before[1]!['USD BREAKAGE']! % parseAmount('40')).toBe(0n);
    expect(before[1]!['USD BREAKAGE']).toBeGreaterThan(0n);
    expect(await foreseen()).toEqual(before);
    time.now = end;
  });
});

/** Customers whose books lie in one shard: more than come in a batch. */
const neighbours = (namespace: string, count: number): readonly string[] => {
  const found: string[] = [];
  for (let i = 0; found.length < count; i += 1) {
    if (shardOf({ namespace, customerId: `c${i}` }) === 0) found.push(`c${i}`);
  }
  return found;
};

test('a namespace with more books in a shard than come in a batch misses none of them', async () => {
  const namespace = 'wide';
  time.now = end;
  for (const part of [neighbours(namespace, 1_001).slice(0, 500), neighbours(namespace, 1_001).slice(500)]) {
    const requests = part.map((customerId) => grantRequest({ namespace, customerId, amount: '1' }));
    await caller.answer('BatchCreateGrants', { requests });
  }

  expect(await totals({ namespace })).toMatchObject({
    'USD CUSTOMER_FBO': parseAmount('1001'),
    'USD BROKERAGE': parseAmount('-1001'),
  });
});

test('only the asked currency is told, and one that is not is refused', async () => {
  const rows = Object.keys(await totals({ currency: 'EUR' }));

  expect(rows.length).toBeGreaterThan(2);
  expect(rows.filter((key) => !key.startsWith('EUR'))).toEqual([]);
  expect((await caller.refusal('GetTrialBalance', { currency: 'NONE_SUCH' })).reason).toBe(
    'UNKNOWN_CURRENCY',
  );
});

test('a customer whose only write was refused has no part in it', async () => {
  const before = await totals({});
  await caller.refusal('VoidGrant', { customerId: 'refused', grantId: `grt_${'0'.repeat(32)}` });

  expect(await totals({})).toEqual(before);
  expect(await totals({ customerId: 'refused' })).toEqual({});
});

test('a customer nobody has written about has no rows', async () => {
  expect(await totals({ customerId: 'nobody', asOf: at(day(90)) })).toEqual({});
});
