import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Statement } from '../../../src/db/database.ts';
import { actingInTurn, BY_ACTOR } from '../../support/acting.ts';
import { SCOPES } from '../../support/figures.ts';
import { having, pairsOf, type Filter } from '../../support/filters.ts';
import { CURRENCIES } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { GRID } from '../../support/transactions-acts.ts';
import { histories, live } from '../../support/transactions-history.ts';
import { asking, bookedAt, transactionsOf, unbooked, walk } from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** Pages of a history, forward and back, are the whole of it, also while it grows. */

const seen: Statement<unknown>[] = [];
const world = await testWorld({ onStatement: (statement) => seen.push(statement) });
const { caller, time } = world;
const transactions = transactionsOf(world);
const SEED = 20_261_123;
const LIVES = histories(2, 40, SEED);
const customers = LIVES.map((_, i) => neighbour('customer', i));

beforeAll(async () => {
  for (const [i, steps] of LIVES.entries()) await live(actingInTurn(world), time, steps, customers[i]!);
});

/** A scope, types and an instant, ahead or past. */
const question = fc.record({
  scope: fc.constantFrom(...SCOPES),
  types: fc.constantFrom([], [], ['TRANSACTION_TYPE_CONSUMED', 'TRANSACTION_TYPE_FUNDED']),
  asOf: fc.option(fc.integer({ min: -12, max: 12 }), { freq: 1 }),
});

const questions = (customerId: string, seed: number): readonly object[] =>
  fc.sample(question, { numRuns: 3, seed }).map(({ scope, types, asOf }) => ({
    ...asking(customerId, scope, asOf === null ? {} : { asOf: time.now + asOf * GRID }),
    types,
  }));

/** What stays the same of a row while others arrive; its balances move with credit told late. */
const marksOf = (rows: readonly Json[]): readonly string[] =>
  rows.map((row) => JSON.stringify({ ...unbooked(row), balanceBefore: null, balanceAfter: null }));

describe.each(customers)('the history of %s', (customerId) => {
  test('comes in pages of any size, forward and back', async () => {
    for (const request of questions(customerId, SEED)) {
      const rows = await transactions.rows(request);
      for (const pageSize of [1, 2, 3, 7]) {
        const { forward, back, pages } = await walk(transactions, { ...request, pageSize });
        expect(forward).toEqual(rows);
        expect(back).toEqual(rows);
        expect(pages).toBe(Math.max(1, Math.ceil(rows.length / pageSize)));
      }
    }
  });

  test('loses and repeats no row when others arrive between pages, newest and in its midst', async () => {
    for (const [n, request] of questions(customerId, SEED + 1).entries()) {
      const before = marksOf(await transactions.rows(request));
      let grown = 0;
      const grow = async () => {
        grown += 1;
        time.now += grown % 3 === 0 ? GRID : 1;
        const more = { customerId, name: `later ${n}.${grown}`, amount: '0.01' };
        const effectiveAt = at(time.now - (grown % 9) * GRID);
        await caller.answer('CreateGrant', grantRequest({ ...more, effectiveAt }));
        await caller.answer('ConsumeCredits', spendRequest({ ...more, ...CREDIT_ONLY }));
      };
      const { forward } = await walk(transactions, { ...request, pageSize: 3 }, grow);
      const paged = marksOf(forward);
      expect(new Set(paged).size).toBe(paged.length);
      expect(paged.filter((mark) => before.includes(mark))).toEqual(before);
    }
  });
});

const TYPES = ['FUNDED', 'CONSUMED', 'CORRECTED', 'EXPIRED', 'VOIDED', 'ADJUSTED'].map((type) => [
  `TRANSACTION_TYPE_${type}`,
]);

/** Types, currencies, actors, and windows between instants of rows. */
function kindsOf(rows: readonly Json[]): readonly (readonly Filter[])[] {
  const instants = [...new Set(rows.map(bookedAt))];
  const [to, from] = [0.25, 0.75].map((part) => instants[Math.floor(part * instants.length)]!);
  return [
    [...TYPES, TYPES.flat().slice(1, 4)].map((types) => ({
      asked: { types },
      shows: (row) => types.includes(row['type']),
    })),
    CURRENCIES.map((currency) => having('currency', currency)),
    BY_ACTOR,
    [
      { asked: { bookedFrom: at(from!) }, shows: (row) => bookedAt(row) >= from! },
      { asked: { bookedTo: at(to!) }, shows: (row) => bookedAt(row) < to! },
      {
        asked: { bookedFrom: at(from!), bookedTo: at(to!) },
        shows: (row) => bookedAt(row) >= from! && bookedAt(row) < to!,
      },
    ],
  ];
}

test.each(customers)(
  'whatever a page of %s hides, its rows are those of the whole, forward and back',
  async (customerId) => {
    const ago = time.now - 40 * GRID;
    for (const [i, scope] of SCOPES.slice(0, 3).entries()) {
      const request = asking(customerId, scope, i % 2 === 0 ? {} : { knownAt: ago });
      const rows = await transactions.rows(request);
      const kinds = kindsOf(rows);
      for (const { asked, shows } of [...kinds.flat(), ...pairsOf(rows, kinds, 1)]) {
        const { forward, back } = await walk(transactions, { ...request, ...asked, pageSize: 2 + i });
        expect(forward, JSON.stringify({ ...request, ...asked })).toEqual(rows.filter(shows));
        expect(back).toEqual(forward);
      }
    }
  },
);

describe('a page takes a constant number of statements', () => {
  /** The names of the statements a page runs, in no particular order. */
  async function statementsOf(request: object): Promise<readonly string[]> {
    seen.length = 0;
    await transactions.page(request);
    return seen.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));
  }

  test('however large it is, and however long the history', async () => {
    const customerId = 'growing';
    const spends = (count: number) => ({
      requests: Array.from({ length: count }, () => spendRequest({ customerId, amount: '1' })),
    });
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '1000' }));
    time.now += GRID;
    await caller.answer('BatchConsumeCredits', spends(2));
    const few = await statementsOf({ customerId, pageSize: 1 });
    time.now += GRID;
    await caller.answer('BatchConsumeCredits', spends(200));

    expect(await statementsOf({ customerId, pageSize: 1 })).toEqual(few);
    expect(await statementsOf({ customerId, pageSize: 1_000 })).toEqual(few);
    expect(few.length).toBeLessThan(13);
  });
});
