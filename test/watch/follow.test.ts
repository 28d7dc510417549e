import { expect, test } from 'vitest';
import { adopt, bringTo } from '../../src/watch/follow.ts';
import { createMailbox } from '../../src/watch/mailbox.ts';
import { messageNow } from '../../src/watch/tell.ts';
import { createAudience, createWatchedBook } from '../../src/watch/watched-book.ts';
import { aBook, aGrant, day, until } from '../support/builders.ts';

/** What those who watch a book already are told when somebody who comes finds that time has passed. */

/** A book with a grant that takes effect and expires, and a stream that has been told how things stood before. */
async function watched() {
  const book = createWatchedBook({ namespace: 'default', customerId: 'ada' });
  const state = aBook([day(1), aGrant({ effectiveAt: day(3), expiry: until(day(5)) })]);
  adopt(book, { bookId: 'a', version: 1, state, currencies: ['USD'], writes: [] });
  const audience = createAudience(book, {
    currencies: [],
    scope: { kind: 'all' },
    parts: new Set(['settled'] as const),
    below: [],
  });
  book.audiences.set('settled', audience);
  const mailbox = createMailbox();
  audience.mailboxes.add(mailbox);
  mailbox.offer(messageNow(audience));
  await mailbox.take();
  return { book, mailbox };
}

test('what has come to pass meanwhile is told at its own instant, with its cause', async () => {
  const { book, mailbox } = await watched();
  bringTo(book, day(4));

  expect(await mailbox.take()).toMatchObject({ asOf: day(3), causes: ['GRANT_EFFECTIVE'] });
  expect(book.state.clock).toBe(day(4));
});

test('what has come and gone is not told at all', async () => {
  const { book, mailbox } = await watched();
  bringTo(book, day(6));
  mailbox.end();

  expect(await mailbox.take()).toBeUndefined();
});
