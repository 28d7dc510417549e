import { describe, expect, test } from 'vitest';
import { balancesOf, SCOPES } from '../../support/figures.ts';
import { neighbour } from '../../support/neighbours.ts';
import { grantRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { GRID } from '../../support/transactions-acts.ts';
import { histories, live } from '../../support/transactions-history.ts';
import {
  asking,
  bookedAt,
  brokenLinks,
  mismarked,
  totalsOf,
  transactionsOf,
  unbooked,
} from '../../support/transactions-rows.ts';
import { testWorld } from '../../support/world.ts';

/** Law 4 for rows: what the history is said to be at an instant ahead is what it is once that instant has come. */

const world = await testWorld();
const { caller, time } = world;
const transactions = transactionsOf(world);
const LIVES = histories(4, 40, 20_261_124);
const AHEAD = [1, 2, 3, 5, 8, 13].map((steps) => steps * GRID);

describe.each(LIVES.map((steps, i) => [i, steps] as const))('after random history %i', (i, steps) => {
  const customerId = neighbour('customer', i);
  /** In every scope; what is booked is told as if it were not, and what others write in pounds is left out. */
  const rowsAt = (asOf: number): Promise<readonly (readonly Json[])[]> =>
    Promise.all(
      SCOPES.map(async (scope) =>
        (await transactions.rows(asking(customerId, scope, { asOf })))
          .filter(({ currency }) => currency !== 'GBP')
          .map(unbooked),
      ),
    );
  const marksAt = async (asOf?: number): Promise<readonly Json[]> => {
    const rows = await transactions.rows(
      asking(customerId, { kind: 'all' }, asOf === undefined ? {} : { asOf }),
    );
    expect(mismarked(rows)).toEqual([]);
    return rows;
  };
  const settledAt = async (asOf: number) =>
    (await balancesOf(caller, customerId, { asOf })).map((balances) =>
      (balances as unknown as Json[]).map(({ settled }) => settled),
    );

  test('the rows foreseen are those that waiting brings, and those that are booked then', async () => {
    await live(caller, time, steps, customerId);
    const { now } = time;
    const foreseen = new Map<number, readonly (readonly Json[])[]>();
    for (const asOf of AHEAD.map((ahead) => now + ahead)) {
      const rows = await rowsAt(asOf);
      expect(rows.map(totalsOf)).toEqual(await settledAt(asOf));
      expect(rows.flatMap(brokenLinks)).toEqual([]);
      foreseen.set(asOf, rows);
    }

    for (const asOf of AHEAD.map((ahead) => now + ahead)) {
      const ahead = (await marksAt(asOf)).filter((row) => bookedAt(row) > now);
      expect(ahead.filter(({ forecast }) => forecast !== true)).toEqual([]);
    }
    expect((await marksAt()).filter((row) => bookedAt(row) > now)).toEqual([]);

    for (const [asOf, rows] of foreseen) {
      time.now = asOf;
      expect(await rowsAt(asOf)).toEqual(rows);
      await caller.answer('CreateGrant', grantRequest({ customerId, currency: 'GBP' }));
      expect(await rowsAt(asOf)).toEqual(rows);
    }
  });
});
