import { describe, expect, onTestFinished, test } from 'vitest';
import { failureOf } from '../rpc/clients.ts';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { isBookmark, placeOf, watchTransactions, type Watching } from '../support/following.ts';
import { testWorld } from '../support/world.ts';

/** What a stream of transactions tells, and from where on. */

const { caller, url, time, sql } = await testWorld({ feeds: { pollMs: 20, bookmarkMs: 60_000 } });

function watch(request: Parameters<typeof watchTransactions>[1]): Watching {
  const watching = watchTransactions(url, request, time);
  onTestFinished(() => watching.end());
  return watching;
}

/** What there is, up to the first bookmark. */
const told = async (request: Parameters<typeof watchTransactions>[1]) => {
  const messages = await watch(request).until(isBookmark);
  return messages.slice(0, -1);
};

/** A grant and a spend of each customer, in turns. */
async function write(namespace: string, ...customers: string[]): Promise<void> {
  for (const customerId of customers) {
    await caller.answer('CreateGrant', grantRequest({ namespace, customerId }));
  }
  for (const customerId of customers) {
    await caller.answer('ConsumeCredits', spendRequest({ namespace, customerId }));
  }
}

const spend = (namespace: string, customerId = 'ada') =>
  caller.answer('ConsumeCredits', spendRequest({ namespace, customerId, amount: '1', ...CREDIT_ONLY }));

describe('a book of more transactions than are read at once', () => {
  test('is told whole, from its beginning, to one customer’s stream and to the namespace’s', async () => {
    const namespace = 'long';
    const requests = Array.from({ length: 600 }, () =>
      spendRequest({ namespace, customerId: 'ada', amount: '1', ...CREDIT_ONLY }),
    );
    await caller.answer('BatchConsumeCredits', { namespace, requests });
    const places = Array.from({ length: 600 }, (_, i) => `ada ${i + 1}.1`);

    expect((await told({ namespace, customerId: 'ada' })).map(placeOf)).toEqual(places);
    expect((await told({ namespace })).map(placeOf)).toEqual(places);
  });
});

describe('a namespace', () => {
  test('is told from the beginning, and what follows as it comes', async () => {
    await write('told', 'ada', 'bob');
    const watching = watch({ namespace: 'told' });
    const first = await watching.until(isBookmark);
    expect(first.map(placeOf).toSorted()).toEqual(['ada 1.1', 'ada 2.1', 'bob 1.1', 'bob 2.1', 'bookmark']);

    await spend('told', 'bob');
    expect(placeOf(await watching.next())).toBe('bob 3.1');
    await spend('told', 'ada');
    expect(placeOf(await watching.next())).toBe('ada 3.1');
  });

  test('is told as the journal has it', async () => {
    await write('same', 'ada');
    const { transactions } = await caller.answer('ListTransactions', {
      namespace: 'same',
      customerId: 'ada',
    });
    const streamed = (await told({ namespace: 'same' })).map(({ event }) => event.value);

    expect(streamed).toMatchObject(
      (transactions as { id: string; hash: string; entries: { id: string; amount: string }[] }[]).map(
        ({ id, hash, entries }) => ({
          id,
          hash,
          customerId: 'ada',
          entries: entries.map((entry) => ({ id: entry.id, amount: entry.amount })),
        }),
      ),
    );
  });

  test('hears nothing of another, and its cursor moves along all the same', async () => {
    await write('mine', 'ada');
    const before = await told({ namespace: 'mine' });
    await write('other', ...Array.from({ length: 40 }, (_, i) => `c ${i}`));
    const watching = watch({ namespace: 'mine', cursor: before.at(-1)!.cursor });
    const bookmark = await watching.next();
    expect(isBookmark(bookmark)).toBe(true);

    await spend('mine');
    const resumed = watch({ namespace: 'mine', cursor: bookmark.cursor });
    expect(placeOf(await resumed.next())).toBe('ada 3.1');
  });

  test('without a name is the default one, for cursors too', async () => {
    await spend('', 'nobody');
    const [first] = await told({});
    expect(placeOf(first!)).toBe('nobody 1.1');
    expect(await told({ namespace: 'default', cursor: first!.cursor })).toEqual([]);
  });

  test('that nobody has written to is complete at once, and told when somebody does', async () => {
    const watching = watch({ namespace: 'empty' });
    expect(isBookmark(await watching.next())).toBe(true);
    await spend('empty');
    expect(placeOf(await watching.next())).toBe('ada 1.1');
  });
});

describe('a customer', () => {
  test('is told alone, in version order, and what follows as it comes', async () => {
    await write('one', 'ada', 'bob');
    const watching = watch({ namespace: 'one', customerId: 'ada' });
    expect((await watching.until(isBookmark)).map(placeOf)).toEqual(['ada 1.1', 'ada 2.1', 'bookmark']);
    await spend('one', 'bob');
    await spend('one', 'ada');
    expect(placeOf(await watching.next())).toBe('ada 3.1');
  });

  test('may be followed before there is anything', async () => {
    const watching = watch({ namespace: 'one', customerId: 'nobody yet' });
    expect(isBookmark(await watching.next())).toBe(true);
    await spend('one', 'nobody yet');
    expect(placeOf(await watching.next())).toBe('nobody yet 1.1');
  });
});

describe.each(['', 'ada'])('only what is new (customer "%s")', (customerId) => {
  test('leaves out what was there, and tells what comes after the first bookmark', async () => {
    const namespace = `new ${customerId}`.trim().replace(' ', '-');
    await write(namespace, 'ada');
    const watching = watch({ namespace, customerId, onlyNew: true });
    expect(isBookmark(await watching.next())).toBe(true);
    await spend(namespace);
    const first = await watching.next();
    expect(placeOf(first)).toBe('ada 3.1');
    await spend(namespace);
    expect((await told({ namespace, customerId, cursor: first.cursor })).map(placeOf)).toEqual(['ada 4.1']);
  });
});

describe('a write', () => {
  test('of several transactions is told whole, and may be resumed within', async () => {
    const namespace = 'several';
    time.now = day(1);
    for (const expires of [2, 3, 4]) {
      await caller.answer('CreateGrant', grantRequest({ namespace, expiresAt: at(day(expires)) }));
    }
    time.now = day(5);
    await spend(namespace);
    const all = await told({ namespace });
    const places = all.map(placeOf);
    expect(places.slice(-4)).toEqual(['ada 4.1', 'ada 4.2', 'ada 4.3', 'ada 4.4']);
    for (const [i, { cursor }] of all.entries()) {
      expect((await told({ namespace, cursor })).map(placeOf)).toEqual(places.slice(i + 1));
    }
  });

  test('without postings is passed over', async () => {
    const namespace = 'silent';
    await spend(namespace);
    await caller.answer('CreateGrant', grantRequest({ namespace, effectiveAt: at(time.now + 86_400_000) }));
    await spend(namespace);
    const all = await told({ namespace });
    expect(all.map(placeOf)).toEqual(['ada 1.1', 'ada 3.1']);
    expect((await told({ namespace, customerId: 'ada' })).map(placeOf)).toEqual(['ada 1.1', 'ada 3.1']);
  });

  test('of before there were positions is told first', async () => {
    const namespace = 'former';
    await write(namespace, 'ada', 'bob');
    // As an earlier release left them. The owner of a table may give itself back what append-only took.
    await sql.rows(`grant update on writes to current_user`);
    await sql.rows(
      `update writes w set feed_position = 0 from books b
       where b.id = w.book_id and b.namespace = $1 and w.version = 1`,
      [namespace],
    );
    await sql.rows(`revoke update on writes from current_user`);
    expect((await told({ namespace })).map(placeOf).toSorted()).toEqual([
      'ada 1.1',
      'ada 2.1',
      'bob 1.1',
      'bob 2.1',
    ]);
  });
});

describe('a cursor', () => {
  const refusal = (request: Parameters<typeof watchTransactions>[1]) => failureOf(watch(request).next());
  const mismatch = { code: 'INVALID_ARGUMENT', reason: 'PAGE_TOKEN_MISMATCH', metadata: { field: 'cursor' } };

  test.each([
    ['another namespace', { namespace: 'elsewhere' }],
    ['a customer', { namespace: 'bound', customerId: 'ada' }],
  ])('of a namespace is refused for %s', async (_, request) => {
    await write('bound', 'ada');
    const [first] = await told({ namespace: 'bound' });
    expect(await refusal({ ...request, cursor: first!.cursor })).toMatchObject(mismatch);
  });

  test.each([
    ['another customer', { namespace: 'bound', customerId: 'bob' }],
    ['the namespace', { namespace: 'bound' }],
  ])('of a customer is refused for %s', async (_, request) => {
    await write('bound', 'ada');
    const [first] = await told({ namespace: 'bound', customerId: 'ada' });
    expect(await refusal({ ...request, cursor: first!.cursor })).toMatchObject(mismatch);
  });

  test.each(['x', 'a'.repeat(200)])('that is none is refused: %s', async (cursor) => {
    expect(await refusal({ namespace: 'bound', cursor })).toMatchObject(mismatch);
  });

  test('may not be given together with only_new', async () => {
    expect(await refusal({ cursor: 'x', onlyNew: true })).toMatchObject({ reason: 'INVALID_FIELD' });
  });
});
