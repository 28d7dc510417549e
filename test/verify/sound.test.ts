import { beforeAll, expect, test } from 'vitest';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { call } from '../support/service.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** A book that only the service has written is sound, whatever was asked of it. */

const { caller, time, url } = await testWorld();
const CUSTOMERS = 8;

beforeAll(async () => {
  for (const [number, steps] of longHistories(CUSTOMERS, 20_260_301).entries()) {
    const customerId = neighbour('customer', number);
    let step = 0;
    await playThrough(caller, time, steps, customerId, async () => {
      step += 1;
      if (step % 7 !== 0) return;
      // What histories leave out: some of the revenue, then all of it, so that later corrections take it back.
      const amount = step % 14 === 0 ? {} : { amount: '0.5' };
      await call(url, 'ledger.v1.LedgerService/RecognizeRevenue', { customerId, currency: 'USD', ...amount });
    });
  }
});

test('nothing is found after random histories of every command', async () => {
  const { findings, events } = await verified(url, {});

  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(events.at(-1)).toMatchObject({
    case: 'summary',
    value: { books: BigInt(CUSTOMERS), findings: 0n },
  });
});
