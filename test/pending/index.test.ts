import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sumAmounts } from '../../src/amount.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { connect } from '../../src/db/database.ts';
import { NEVER } from '../../src/instant.ts';
import { nextChange, promisedAt, promisesAt, promisesChanging } from '../../src/pending/index-reader.ts';
import { storePromises } from '../../src/pending/scheduled-grants.ts';
import { pendingAt, type Promised, type CreditPromise } from '../../src/pending/promise.ts';
import { scheduledWithin, type Window } from '../../src/pending/window.ts';
import { inScope, type Scope } from '../../src/scope.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';
import {
  changesOf,
  instantsAround,
  known,
  LAST_VERSION,
  PROMISED,
  promisedGrants,
} from '../support/promises.ts';

/** The four questions of domain.md §4 against the plainest answer there is: look at every promise. */

const SEED = 20_260_101;
const GRANTS = promisedGrants(700, SEED);

const { url } = await testDatabase();
const database = connect({ url, poolSize: 2 });
const sql = await openSql(url);
afterAll(() => Promise.all([database.close(), sql.end()]));

const shard = (customerId: string) => shardOf({ namespace: 'default', customerId });
const books = new Map<string, number>();
const bookOf = (customerId: string, version = LAST_VERSION) => ({
  shard: shard(customerId),
  bookId: books.get(customerId)!,
  version,
});

beforeAll(async () => {
  for (const customerId of PROMISED) {
    const [book] = await sql.rows<{ id: number }>(
      `insert into books (shard, id, uuid, namespace, customer_id, version, clock, head_hash, next_event_at, currencies)
       values ($1, $2, gen_random_uuid(), 'default', $3, 0, '-infinity', '', 'infinity', '{}') returning id`,
      [shard(customerId), PROMISED.indexOf(customerId) + 1, customerId],
    );
    books.set(customerId, book!.id);
    const own = GRANTS.filter((grant) => grant.customerId === customerId);
    const changes = changesOf(own, () => ({ shard: shard(customerId), bookId: book!.id }));
    // In batches of a few versions, so that promises are closed by the batch that opened them and by later ones.
    for (let from = 1; from <= LAST_VERSION; from += 7) {
      const batch = changes.filter(({ version }) => version >= from && version < from + 7);
      await database.transaction(async (connection) => {
        await Promise.all(storePromises(connection, batch));
      });
    }
  }
});

const promisesOf = (customerId: string, version: number): readonly CreditPromise[] =>
  GRANTS.filter((grant) => grant.customerId === customerId)
    .map((grant) => known(grant, version))
    .filter((promise) => promise !== null);

/** A moment of a customer's book; many of them. */
const moments = (seed: number) =>
  instantsAround(GRANTS, 400, seed).map((at, i) => ({
    customerId: PROMISED[i % 3]!,
    at,
    version: 1 + ((i * 7) % LAST_VERSION),
  }));

test('the promises are hundreds, of every length, and many have changed', () => {
  const all = GRANTS.flatMap(({ learned }) => learned);

  expect(all.length).toBeGreaterThan(900);
  expect(
    new Set(all.map(({ promise }) => Math.floor(Math.log10((promise?.until ?? 0) - (promise?.from ?? 0)))))
      .size,
  ).toBeGreaterThan(12);
});

/** Sums by currency and feature keys, comparable. */
const byKeys = (promises: readonly Promised[]): ReadonlyMap<string, bigint> => {
  const keys = Map.groupBy(promises, (p) => `${p.currency} ${p.featureKeys.join()}`);
  return new Map([...keys].map(([key, own]) => [key, sumAmounts(own.map(({ amount }) => amount))]));
};

describe('pending at an instant, as known at a version', () => {
  test('is the sum of the promises that contain it, by currency and feature keys', async () => {
    for (const { customerId, at, version } of moments(SEED + 1)) {
      const pending = promisesOf(customerId, version).filter((promise) => pendingAt(promise, at));

      const promised = await promisedAt(database, bookOf(customerId, version), at);
      expect(byKeys(promised), `at ${at} as known at ${version}`).toEqual(byKeys(pending));
      // Its currencies are the pending currencies.
      expect(new Set(promised.map(({ currency }) => currency))).toEqual(
        new Set(pending.map(({ currency }) => currency)),
      );
    }
  });

  test('changes next at the first end among them', async () => {
    for (const { customerId, at, version } of moments(SEED + 2)) {
      const ends = promisesOf(customerId, version)
        .filter((promise) => pendingAt(promise, at))
        .map(({ until }) => until);

      const next = await nextChange(database, bookOf(customerId, version), at);
      expect(next, `after ${at} as known at ${version}`).toBe(Math.min(NEVER, ...ends));
    }
  });
});

const byGrant = (promises: readonly CreditPromise[]) =>
  promises.toSorted((a, b) => order(a.grantId, b.grantId));

describe('the promises themselves, as known at a version', () => {
  test('are those of an instant, in order of taking effect', async () => {
    for (const { customerId, at, version } of moments(SEED + 4).slice(0, 200)) {
      const pending = promisesOf(customerId, version)
        .filter((promise) => pendingAt(promise, at) && promise.currency === 'USD')
        .toSorted((a, b) => order(a.effectiveAt, b.effectiveAt) || order(a.grantId, b.grantId));

      expect(await promisesAt(database, bookOf(customerId, version), at, 'USD')).toEqual(pending);
    }
  });

  test('are those that begin or end after one instant and by another', async () => {
    const ends = instantsAround(GRANTS, 200, SEED + 5);
    for (const [i, { customerId, at, version }] of moments(SEED + 6)
      .slice(0, 200)
      .entries()) {
      const [after, through] = [at, ends[i]!].toSorted((a, b) => a - b) as [number, number];
      const changing = promisesOf(customerId, version).filter(({ from, until }) =>
        until <= through ? until > after : from > after && from <= through,
      );

      const found = await promisesChanging(database, bookOf(customerId, version), after, through);
      expect(byGrant(found), `after ${after} through ${through}`).toEqual(byGrant(changing));
    }
  });
});

const order = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Every promise known, of a customer at a version of the book and of a namespace in the end, as the page of the window that starts behind `after`. */
function expected(window: Window, customers: readonly string[], now: number) {
  return customers
    .flatMap((customerId) =>
      promisesOf(customerId, window.book?.version ?? NEVER).map((promise) => ({ customerId, ...promise })),
    )
    .filter((s) => s.effectiveAt >= window.from && (s.effectiveAt < window.until || window.until === NEVER))
    .filter((s) => s.until === s.effectiveAt || s.until > now)
    .filter((s) => window.currency === null || s.currency === window.currency)
    .filter((s) => inScope(window.scope, s.featureKeys))
    .toSorted((a, b) => order(a.effectiveAt, b.effectiveAt) || order(a.grantId, b.grantId))
    .filter(({ effectiveAt, grantId }) => {
      const { after } = window;
      return after === null || (order(effectiveAt, after.effectiveAt) || order(grantId, after.grantId)) > 0;
    })
    .slice(0, window.limit);
}

describe('what is scheduled in a window', () => {
  const scopes: readonly Scope[] = [
    { kind: 'all' },
    { kind: 'unrestricted' },
    { kind: 'feature', featureKey: 'a' },
  ];

  test.each(['a customer', 'the namespace'])('for %s comes in order, page after page', async (whose) => {
    const instants = instantsAround(GRANTS, 240, SEED + 3);
    const cursors = fc.sample(
      fc.option(fc.constantFrom(...expected(everything(null), PROMISED, -NEVER)), { freq: 2 }),
      { numRuns: 80, seed: SEED },
    );
    for (const [i, after] of cursors.entries()) {
      const [from, until, now] = [instants[i]!, instants[80 + i]!, instants[160 + i]!];
      const customerId = PROMISED[i % 3]!;
      const window: Window = {
        ...everything(whose === 'a customer' ? bookOf(customerId, 1 + ((i * 7) % LAST_VERSION)) : null),
        from: Math.min(from, until),
        until: i % 4 === 0 ? NEVER : Math.max(from, until),
        currency: i % 3 === 0 ? null : 'USD',
        scope: scopes[i % 3]!,
        after,
        limit: 1 + (i % 40),
      };

      const found = await scheduledWithin(database, window, now);
      const whole = whose === 'a customer' ? [customerId] : PROMISED;
      expect(found, `window ${i}`).toEqual(expected(window, whole, now));
    }
  });
});

const everything = (book: Window['book']): Window => ({
  book,
  namespace: 'default',
  from: -NEVER,
  until: NEVER,
  currency: null,
  scope: { kind: 'all' as const },
  after: null,
  limit: 10_000,
});
