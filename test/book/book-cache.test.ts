import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createBookCache,
  type BookMark,
  type CountedBookCache,
  type OpenBook,
} from '../../src/book/book-cache.ts';
import { openBooks, writableBooks } from '../../src/book/open-book.ts';
import { advancesOf, chargesOf, grantsOf } from '../../src/credit/pools.ts';
import { connect } from '../../src/db/database.ts';
import { PersistentMap } from '../../src/persistent-map.ts';
import { day } from '../support/builders.ts';
import { neighbour } from '../support/neighbours.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { fullHistory } from '../support/histories.ts';
import { playThrough } from '../support/played.ts';
import { testWorld } from '../support/world.ts';

/** The open state that a process keeps of a book spares loading it, and is never anything but what would be loaded. */

const [A, B, C] = [1, 2, 3] as const;
const mark = (id: number, version = 1): BookMark => ({
  id,
  version,
  clock: day(1),
  headHash: Buffer.alloc(32, 7),
});
const empty: OpenBook = {
  grants: grantsOf(),
  charges: chargesOf(),
  advances: advancesOf(),
  stored: PersistentMap.of(),
  subAccounts: null,
};

describe('what is kept', () => {
  test('is found by exactly the row it was kept for', () => {
    const kept = createBookCache(10);
    kept.keep(mark(A), empty);

    expect(kept.find(mark(A))).toBe(empty);
    expect(kept.find(mark(B))).toBeUndefined();
    expect(kept.find(mark(A, 2))).toBeUndefined();
    expect(kept.find({ ...mark(A), clock: day(2) })).toBeUndefined();
    expect(kept.find({ ...mark(A), headHash: Buffer.alloc(32, 8) })).toBeUndefined();
  });

  test('goes when there is more than the limit, what was asked for longest ago first', () => {
    const kept = createBookCache(2);
    kept.keep(mark(A), empty);
    kept.keep(mark(B), empty);
    kept.find(mark(A));
    kept.keep(mark(C), empty);

    expect([A, B, C].filter((id) => kept.find(mark(id)) !== undefined)).toEqual([A, C]);
  });

  test('may be as much as the limit, and of one book no more than that', () => {
    const full = createBookCache(1);
    full.keep(mark(A), empty);
    const none = createBookCache(0);
    none.keep(mark(A), empty);

    expect([full.find(mark(A)), none.find(mark(A))]).toEqual([empty, undefined]);
  });

  test('makes room when a book is kept again', () => {
    const kept = createBookCache(2);
    for (let version = 1; version < 9; version++) kept.keep(mark(A, version), empty);
    kept.keep(mark(B), empty);

    expect(kept.find(mark(A, 8))).toBe(empty);
    expect(kept.find(mark(B))).toBe(empty);
  });

  test('is nothing of a book larger than the limit, and nothing at all with a limit of 0', () => {
    const large = { ...empty, subAccounts: PersistentMap.of([['x', { uuid: 'x', ordinal: 1, total: 0n }]]) };
    const [small, none] = [createBookCache(1), createBookCache(0)];
    small.keep(mark(A), empty);
    small.keep(mark(A, 2), large);
    none.keep(mark(A), empty);

    expect(small.find(mark(A))).toBeUndefined();
    expect(small.find(mark(A, 2))).toBeUndefined();
    expect(none.find(mark(A))).toBeUndefined();
  });
});

const statements: string[] = [];
const seen: { readonly mark: BookMark; readonly open: OpenBook }[] = [];
const watched: CountedBookCache = (() => {
  const kept = createBookCache(100_000);
  return {
    find: kept.find,
    counts: kept.counts,
    keep(one, open) {
      kept.keep(one, open);
      seen.push({ mark: one, open });
    },
  };
})();
const { caller, time, databaseUrl, sql, another } = await testWorld({
  kept: watched,
  onStatement: ({ name }) => statements.push(name),
});

test('after random histories of every command, what is kept is what would be loaded', async () => {
  const histories = fc.sample(fullHistory(60), { numRuns: 12, seed: 20_261_127 });
  for (const [i, steps] of histories.entries()) await playThrough(caller, time, steps, neighbour('kept', i));
  const rows = await sql.rows<{
    shard: number;
    id: number;
    version: number;
    clock: number;
    head_hash: Buffer;
  }>(`select shard, id, version, clock, head_hash from books where version > 0`);
  const books = rows.map(({ head_hash: headHash, ...row }) => ({ ...row, headHash }));
  const database = connect({ url: databaseUrl, poolSize: 2 });
  const loaded = await database.snapshot((connection) =>
    writableBooks(connection, createBookCache(0), books),
  );
  const kept = await database.snapshot((connection) => openBooks(connection, watched, books));
  await database.close();

  expect(books.length).toBeGreaterThan(8);
  for (const book of books) {
    expect(watched.find(book)).toBeDefined();
    expect(kept.get(book.id)).toEqual(loaded.get(book.id)!);
  }
  expect(seen.some(({ open }) => open.charges.size > 0)).toBe(true);
  expect(seen.some(({ open }) => open.advances.size > 0)).toBe(true);
  expect(seen.some(({ open }) => [...open.grants.values()].some(({ phase }) => phase === 'SCHEDULED'))).toBe(
    true,
  );
});

/** What an action asks of the tables, besides the statements that begin a transaction and tell the time. */
async function asked(action: () => Promise<unknown>): Promise<readonly string[]> {
  statements.length = 0;
  await action();
  return statements.filter((name) => !name.startsWith('begin') && name !== 'now');
}

describe('a book that is kept', () => {
  test('is spent from without loading it', async () => {
    const customerId = 'spender';
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    await caller.answer('ConsumeCredits', spendRequest({ customerId }));
    const names = await asked(() =>
      caller.answer('ConsumeCredits', spendRequest({ customerId, idempotencyKey: 'k' })),
    );

    expect(names.filter((name) => !/^(insert|update|draw_on)_/.test(name))).toEqual([
      'lock_books',
      'remembered_by_key',
    ]);
  });

  test('is asked about in one statement', async () => {
    const customerId = 'asker';
    await caller.answer('CreateGrant', grantRequest({ customerId }));

    expect(await asked(() => caller.answer('GetBalance', { customerId }))).toEqual(['locate_books_now']);
  });

  test('is loaded once where another instance has written', async () => {
    const customerId = 'shared';
    const other = await another({ kept: createBookCache(1_000) });
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10' }));
    await other.answer('ConsumeCredits', spendRequest({ customerId, amount: '4' }));
    const balance = async () => (await caller.answer('GetBalance', { customerId }))['balances'][0].settled;

    expect(await asked(async () => expect(await balance()).toBe('6'))).toContain('open_grants');
    expect(await asked(async () => expect(await balance()).toBe('6'))).toEqual(['locate_books_now']);
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '6' }));
    const refused = await other.refusal('ConsumeCredits', spendRequest({ customerId, amount: '1' }));
    expect(refused.reason).toBe('INSUFFICIENT_CREDIT');
  });

  test('changes by itself at its instants, as any other', async () => {
    const customerId = 'in time';
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '3', ...CREDIT_ONLY }));
    const effectiveAt = new Date(time.now + 10_000).toISOString();
    const expiresAt = new Date(time.now + 20_000).toISOString();
    await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10', effectiveAt, expiresAt }));
    const figures = async () => {
      const { settled, pending } = (await caller.answer('GetBalance', { customerId }))['balances'][0];
      return [settled, pending];
    };

    expect(await figures()).toEqual(['-3', '10']);
    time.now += 10_000;
    expect(await figures()).toEqual(['7', '0']);
    time.now += 10_000;
    expect(await figures()).toEqual(['0', '0']);
  });
});
