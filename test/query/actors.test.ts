import { beforeAll, describe, expect, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { START } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import type { Json } from '../support/service.ts';
import { transactionsOf } from '../support/transactions-rows.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** Random histories by random callers: whatever tells of a version tells who wrote it, and the chain holds it. */

const world = await testWorld();
const { caller, time, url } = world;
const CUSTOMERS = [0, 1, 2].map((i) => neighbour('ada', i));

/** Who called, by the version that the call took; and by what it made. */
type Calls = {
  readonly versions: Map<string, Json>;
  readonly made: Map<string, Json>;
  /** Grants and charges in answers, with who is said to have made them. */
  readonly answered: [id: string, actor: Json][];
};
const callsOf = new Map<string, Calls>();

beforeAll(async () => {
  for (const [i, steps] of longHistories(3, 20_261_129).entries()) {
    const customerId = CUSTOMERS[i]!;
    const calls: Calls = { versions: new Map(), made: new Map(), answered: [] };
    callsOf.set(customerId, calls);
    let number = 0;
    const acting = callerOf({ url }, () => ({
      'x-request-id': requestId(number),
      ...(number % 3 > 0 && { 'credit-ledger-actor': `actor ${number}` }),
    }));
    time.now = START;
    await playThrough(acting, time, steps, customerId, ({ result, command }) => {
      const by = {
        caller: 'anonymous',
        ...(number % 3 > 0 && { actor: `actor ${number}` }),
        requestId: requestId(number),
      };
      number += 1;
      if (!result.ok) return;
      const { version, grant, charge } = result.answer;
      // A success that changes nothing tells the version it found.
      if (version !== undefined && !calls.versions.has(version)) calls.versions.set(version, by);
      for (const one of [grant, charge]) {
        if (one === undefined) continue;
        if (!calls.made.has(one.id)) calls.made.set(one.id, by);
        if (command.kind !== 'consume') calls.answered.push([one.id, one.actor]);
      }
    });
  }
});

const requestId = (number: number): string =>
  number % 2 === 0 ? `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` : `request-${number}`;

const ask = async (rpc: string, customerId: string, field: string): Promise<readonly Json[]> => {
  const page = await caller.answer(rpc, { customerId, pageSize: 1_000 });
  expect(page['nextPageToken']).toBeUndefined();
  return page[field];
};

describe.each(CUSTOMERS)('of %s', (customerId) => {
  test('each transaction, entry and row of the history is by who wrote its version', async () => {
    const { versions } = callsOf.get(customerId)!;
    const transactions = await ask('ListTransactions', customerId, 'transactions');
    const entries = await ask('ListEntries', customerId, 'entries');
    const rows = (await transactionsOf(world).rows({ customerId })).filter(({ forecast }) => !forecast);
    const told = [...transactions, ...entries, ...rows];

    expect(new Set(told.map(({ version }) => version)).size).toBeGreaterThan(8);
    expect(told.map(({ actor }) => actor)).toEqual(told.map(({ version }) => versions.get(version)));
    expect(transactions.flatMap((one) => one['entries'])).toEqual(entries);
  });

  test('each grant and charge is by who made it, however it was changed since', async () => {
    const { made, answered } = callsOf.get(customerId)!;
    expect(answered.length).toBeGreaterThan(10);
    expect(answered).toEqual(answered.map(([id]) => [id, made.get(id)]));
    const grants = await ask('ListGrants', customerId, 'grants');
    const charges = await ask('ListCharges', customerId, 'charges');

    for (const one of [...grants, ...charges]) expect(one['actor'], one['id']).toEqual(made.get(one['id']));
    for (const { id, actor } of grants.slice(0, 5)) {
      expect((await caller.answer('GetGrant', { customerId, grantId: id }))['grant'].actor).toEqual(actor);
    }
    for (const { id, actor } of charges.slice(0, 5)) {
      expect((await caller.answer('GetCharge', { customerId, chargeId: id }))['charge'].actor).toEqual(actor);
    }
  });
});

test('the chain holds', async () => {
  expect((await verified(url, {})).findings.map(({ message }) => message)).toEqual([]);
});
