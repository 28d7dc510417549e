import { expect, test } from 'vitest';
import { createConflatingBuffer } from '../../src/watch/conflating-buffer.ts';
import {
  adopt,
  bringTo,
  createAudience,
  createWatchedBook,
  messageNow,
} from '../../src/watch/watched-book.ts';
import { aBook, aGrant, day, until } from '../support/builders.ts';

/** What those who watch a book already are told when somebody who comes finds that time has passed. */

/** A book with a grant that takes effect and expires, and a stream that has been told how things stood before. */
async function watched() {
  const book = createWatchedBook({ namespace: 'default', customerId: 'ada' });
  const state = aBook([day(1), aGrant({ effectiveAt: day(3), expiry: until(day(5)) })]);
  adopt(book, { bookId: 1, version: 1, state, currencies: ['USD'], writes: [] });
  const audience = createAudience(book, {
    currencies: [],
    scope: { kind: 'all' },
    parts: new Set(['settled'] as const),
    below: [],
  });
  book.audiences.set('settled', audience);
  const buffer = createConflatingBuffer();
  audience.buffers.add(buffer);
  buffer.offer(messageNow(audience));
  await buffer.take();
  return { book, buffer };
}

test('what has come to pass meanwhile is told at its own instant, with its cause', async () => {
  const { book, buffer } = await watched();
  bringTo(book, day(4));

  expect(await buffer.take()).toMatchObject({ asOf: day(3), causes: ['GRANT_EFFECTIVE'] });
  expect(book.state.clock).toBe(day(4));
});

test('what has come and gone is not told at all', async () => {
  const { book, buffer } = await watched();
  bringTo(book, day(6));
  buffer.end();

  expect(await buffer.take()).toBeUndefined();
});
