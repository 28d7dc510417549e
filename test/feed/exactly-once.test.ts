import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { testDatabase } from '../support/postgres.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testService } from '../support/service.ts';
import { isBookmark, placeOf, watchTransactions } from '../support/following.ts';
import { HANGS_AFTER_MS } from '../support/until.ts';

/** A feed tells each commit once and in version order per book, on the database's own time and however it is cut. */

const PER_CALL = 50;

const { url } = await testDatabase();
const feeds = { pollMs: 20, bookmarkMs: 60_000 };
const patient = { feeds, staleAfterMs: HANGS_AFTER_MS };
const instances = [await testService(url, patient), await testService(url, patient)];
afterAll(() => Promise.all(instances.map((instance) => instance.stop())));
const urlOf = (i: number): string => instances[i % instances.length]!.url;

/** So many spends of so many customers through both instances at once: both write to the same books. */
async function commitAll(namespace: string, commits: number, customers: number): Promise<void> {
  const calls = Array.from({ length: commits / PER_CALL }, (_, call) =>
    Array.from({ length: PER_CALL }, (__, i) => {
      const customerId = `c ${(call * 7 + i * 11) % customers}`;
      return spendRequest({ namespace, customerId, amount: '1', ...CREDIT_ONLY });
    }),
  );
  const spenders = Array.from({ length: 8 }, async (_, i) => {
    const caller = callerOf({ url: urlOf(i) });
    for (let requests = calls.pop(); requests !== undefined; requests = calls.pop()) {
      const { results } = await caller.answer('BatchConsumeCredits', { requests });
      for (const result of results) if (result.error !== undefined) throw new Error(result.error.message);
    }
  });
  await Promise.all(spenders);
}

type Reader = {
  readonly namespace: string;
  readonly customerId?: string;
  /** The instance it starts at; after each cut it is the turn of another. */
  readonly at?: number;
  /** After how many messages it hangs up and starts anew with its last cursor. */
  readonly cuts?: () => number;
};

/** The first so many transactions that a reader hears. */
async function hear(
  count: number,
  { namespace, customerId = '', at = 0, cuts = () => Infinity }: Reader,
): Promise<readonly string[]> {
  const places: string[] = [];
  let cursor = '';
  for (let instance = at; places.length < count; instance += 1) {
    const watching = watchTransactions(urlOf(instance), { namespace, customerId, cursor });
    for (let left = cuts(); left > 0 && places.length < count; left -= 1) {
      const message = await watching.next();
      ({ cursor } = message);
      if (!isBookmark(message)) places.push(placeOf(message));
    }
    watching.end();
  }
  return places;
}

/** Versions 1, 2, 3 … of each customer, in the order in which they were heard. */
function expectEachOnceInOrder(places: readonly string[]): void {
  const customerOf = (place: string) => place.slice(0, place.lastIndexOf(' '));
  for (const [customer, own] of Map.groupBy(places, customerOf)) {
    expect(own).toEqual(own.map((_, i) => `${customer} ${i + 1}.1`));
  }
}

describe('while two instances commit to the same books', () => {
  const [namespace, commits] = ['live', 2_000];
  let heard: readonly (readonly string[])[];
  beforeAll(async () => {
    const lengths = fc.sample(fc.integer({ min: 1, max: 200 }), { numRuns: commits, seed: 7 });
    const listening = [
      hear(commits, { namespace, at: 0 }),
      hear(commits, { namespace, at: 1 }),
      hear(commits, { namespace, cuts: () => lengths.pop()! }),
    ];
    await commitAll(namespace, commits, 40);
    heard = await Promise.all(listening);
  });

  test.each([
    ['one instance', 0],
    ['the other', 1],
    ['both in turns, starting anew at random cursors,', 2],
  ])('a reader at %s hears each once, in version order', (_, reader) => {
    // As many as there are, each the next of its customer: so none was missed.
    expectEachOnceInOrder(heard[reader]!);
    expect(new Set(heard[reader]).size).toBe(commits);
  });
});

describe('once all is committed', () => {
  const [namespace, commits, customers] = ['past', 200, 20];
  beforeAll(() => commitAll(namespace, commits, customers));

  test('any cuts give what one stream gives', async () => {
    const whole = await hear(commits, { namespace });
    expectEachOnceInOrder(whole);
    const lengthsOf = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(lengthsOf, async (lengths) => {
        const left = [...lengths];
        const places = await hear(commits, { namespace, at: 1, cuts: () => left.pop() ?? Infinity });
        expectEachOnceInOrder(places);
        expect(places.toSorted()).toEqual(whole.toSorted());
      }),
      { numRuns: 5, seed: 20_260_101 },
    );
  });

  test('a customer’s stream gives the same at any cut', async () => {
    const own = commits / customers;
    const left = [1, 3, 5, 1, 1];
    const places = await hear(own, { namespace, customerId: 'c 7', cuts: () => left.pop() ?? Infinity });
    expect(places).toEqual(Array.from({ length: own }, (_, i) => `c 7 ${i + 1}.1`));
  });
});
