import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { balancesOf, SCOPES, type Asked } from '../../support/figures.ts';
import { CURRENCIES } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { at } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { GRID } from '../../support/transactions-acts.ts';
import { histories, live, type Lived } from '../../support/transactions-history.ts';
import {
  asking,
  bookedAt,
  brokenLinks,
  inCurrency,
  misnamed,
  oddAmounts,
  outOfOrder,
  totalsOf,
  transactionsOf,
} from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** Law 11 over random histories of every RPC that writes: what a customer's history shows is what settled is made of. */

const world = await testWorld();
const { caller, time } = world;
const transactions = transactionsOf(world);
const SEED = 20_261_122;
const LIVES = histories(6, 60, SEED);
const lived: Lived[] = [];

beforeAll(async () => {
  for (const [i, steps] of LIVES.entries()) {
    lived.push(await live(caller, time, steps, neighbour('customer', i)));
    time.now += 3 * GRID;
  }
});

const TYPES = ['FUNDED', 'CONSUMED', 'CORRECTED', 'EXPIRED', 'VOIDED', 'ADJUSTED'].map(
  (name) => `TRANSACTION_TYPE_${name}`,
);

test('the histories have some of everything', async () => {
  const granted = lived.flatMap((one) => one.granted);
  const rows = await Promise.all(lived.map(({ customerId }) => transactions.rows({ customerId })));

  const times = Map.groupBy(granted, (rpc) => rpc);
  expect([...times].filter(([, all]) => all.length < 4)).toEqual([]);
  expect(times.size).toBe(11);
  expect(new Set(rows.flat().map((row) => row['type']))).toEqual(new Set(TYPES));
});

/** Points of both axes to ask about, now among them: on the grid, where things happen, and just before it. */
const momentsOf = ({ instants }: Lived, seed: number): readonly Asked[] => {
  const first = instants[0]!;
  const steps = (instants.at(-1)! - first) / GRID + 3;
  const point = fc
    .tuple(fc.integer({ min: -8, max: steps }), fc.constantFrom(0, 0, -1))
    .map(([n, off]) => first + n * GRID + off);
  const asked = fc.sample(fc.record({ asOf: point, knownAt: point }), { numRuns: 5, seed });
  return [{}, ...asked, { asOf: asked[0]!.asOf }];
};

const settledOf = (balances: Json | undefined): readonly string[] =>
  ((balances ?? []) as unknown as Json[]).map(({ settled }) => settled);

describe.each(LIVES.map((_, i) => i))('in random history %i', (i) => {
  const seed = SEED + i;

  test('at random moments, in every scope, the rows add up to settled, each going on from the one before', async () => {
    const { customerId, names } = lived[i]!;
    for (const moment of momentsOf(lived[i]!, seed)) {
      const balances = await balancesOf(caller, customerId, moment);
      const lists = await Promise.all(
        SCOPES.map((scope) => transactions.rows(asking(customerId, scope, moment))),
      );
      for (const [s, rows] of lists.entries()) {
        const what = JSON.stringify({ moment, scope: SCOPES[s] });
        expect(totalsOf(rows), what).toEqual(settledOf(balances[s]));
        expect(brokenLinks(rows), what).toEqual([]);
        expect(outOfOrder(rows), what).toEqual([]);
        expect(oddAmounts(rows), what).toEqual([]);
        expect(misnamed(rows, names), what).toEqual([]);
      }
    }
  });

  test('the newest row of an instant ends at what settled is there', async () => {
    const { customerId } = lived[i]!;
    for (const [s, scope] of SCOPES.entries()) {
      const rows = await transactions.rows(asking(customerId, scope));
      const instant = fc.constantFrom(...new Set(rows.map(bookedAt)));
      for (const asOf of fc.sample(instant, { numRuns: 3, seed: seed + s })) {
        const [balances] = await balancesOf(caller, customerId, { asOf }, [scope]);
        const by = rows.filter((row) => bookedAt(row) <= asOf);
        const after = CURRENCIES.map((currency) => inCurrency(by, currency)[0]?.['balanceAfter'] ?? '0');
        expect(after).toEqual(settledOf(balances));
      }
    }
  });

  test('what a page hides leaves the balances of its rows as they are', async () => {
    const { customerId } = lived[i]!;
    for (const [n, moment] of momentsOf(lived[i]!, seed + 100).entries()) {
      const request = asking(customerId, SCOPES[n % SCOPES.length]!, moment);
      const rows = await transactions.rows(request);
      for (const { filter, shows } of hidings(rows, seed + n)) {
        const shown = await transactions.rows({ ...request, ...filter });
        expect(shown, JSON.stringify(filter)).toEqual(rows.filter(shows));
      }
    }
  });
});

type Hiding = { readonly filter: object; readonly shows: (row: Json) => boolean };

/** Filters as a request spells them, each with what it leaves. */
function hidings(rows: readonly Json[], seed: number): readonly Hiding[] {
  const some = fc.record({
    types: fc.subarray(TYPES, { minLength: 1, maxLength: 4 }),
    currency: fc.constantFrom(...CURRENCIES),
  });
  const [{ types, currency }] = fc.sample(some, { numRuns: 1, seed }) as [
    { types: string[]; currency: string },
  ];
  const middle = rows.map(bookedAt).toSorted((a, b) => a - b)[Math.floor(rows.length / 2)] ?? time.now;
  const [from, to] = [middle - 3 * GRID, middle + 3 * GRID];
  const isType = (row: Json) => types.includes(row['type']);
  const isCurrency = (row: Json) => row['currency'] === currency;
  return [
    { filter: { types }, shows: isType },
    { filter: { currency }, shows: isCurrency },
    {
      filter: { bookedFrom: at(from), bookedTo: at(to) },
      shows: (row) => bookedAt(row) >= from && bookedAt(row) < to,
    },
    {
      filter: { types, currency, bookedFrom: at(middle) },
      shows: (row) => isType(row) && isCurrency(row) && bookedAt(row) >= middle,
    },
  ];
}

test('a row that is missing, moved, turned or misnamed is noticed', async () => {
  const { customerId, names } = lived[0]!;
  const rows = await transactions.rows({ customerId, currency: 'USD' });
  const [newest, next, ...older] = rows as [Json, Json, ...Json[]];

  expect(brokenLinks([newest, ...older])).not.toEqual([]);
  expect(brokenLinks(rows.slice(0, -1))).not.toEqual([]);
  expect(outOfOrder([...older, newest, next])).not.toEqual([]);
  expect(oddAmounts([{ ...newest, type: TYPES[0], amount: '-1' }])).not.toEqual([]);
  expect(misnamed([{ ...newest, type: TYPES[0], name: 'somebody else' }], names)).not.toEqual([]);
});
