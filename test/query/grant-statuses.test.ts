import { describe, expect, test } from 'vitest';
import { neighbour } from '../support/neighbours.ts';
import { at } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { GRID } from '../support/transactions-acts.ts';
import { histories, live } from '../support/transactions-history.ts';
import { testWorld } from '../support/world.ts';

/** A list of grants in some states is what asking for each grant says, at any instant and as known at any. */

const { caller, time } = await testWorld();
const LIVES = histories(3, 40, 20_261_128);
const STATUSES = ['PENDING', 'ACTIVE', 'EXPIRED', 'VOIDED'].map((status) => `GRANT_STATUS_${status}`);
/** How far before and after now is asked about. */
const DISTANCES = [-55, -34, -21, -8, -3, -1, 0, 2, 13, 40].map((steps) => steps * GRID);

const seen = new Set<string>();

describe.each(LIVES.map((steps, i) => [i, steps] as const))('after random history %i', (i, steps) => {
  const customerId = neighbour('customer', i);

  test('each state has the grants that are in it, and each grant is in one', async () => {
    await live(caller, time, steps, customerId);
    const { now } = time;
    const { grants: all } = await caller.answer('ListGrants', { customerId, pageSize: 1_000, asOf: at(now) });
    expect(all.length).toBeGreaterThan(5);
    const asked = DISTANCES.flatMap((d) => [
      { asOf: at(now + d) },
      ...[-21, -5, 0].map((known) => ({ asOf: at(now + d), knownAt: at(now + known * GRID) })),
    ]);

    for (const moment of asked) {
      const one = async (grantId: string): Promise<Json | undefined> => {
        const outcome = await caller.result('GetGrant', { customerId, grantId, ...moment });
        return outcome.ok ? outcome.answer['grant'] : undefined;
      };
      const own = await Promise.all((all as Json[]).map(({ id }) => one(id)));
      const there = own.filter((grant) => grant?.['status'] !== undefined);
      const list = async (statuses: readonly string[]) =>
        (await caller.answer('ListGrants', { customerId, pageSize: 1_000, statuses, ...moment }))['grants'] ??
        [];

      expect(await list([])).toEqual(there);
      for (const statuses of [
        ...STATUSES.map((status) => [status]),
        STATUSES.slice(0, 2),
        STATUSES.slice(1),
      ]) {
        const expected = there.filter((grant) => statuses.includes(grant!['status']));
        for (const grant of expected) seen.add(grant!['status']);
        expect(await list(statuses), JSON.stringify({ statuses, moment })).toEqual(expected);
      }
    }
  });
});

test('every state was among them', () => {
  expect([...seen].toSorted()).toEqual(STATUSES.toSorted());
});
