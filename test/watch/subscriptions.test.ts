import { describe, expect, test } from 'vitest';
import { ALL } from '../../src/scope.ts';
import { createSubscriptions } from '../../src/watch/subscriptions.ts';

/** Which books are watched: each once, and none that nobody watches. */

const ADA = { namespace: 'default', customerId: 'ada' };
const WATCHED = { currencies: [], scope: ALL, parts: new Set(['settled'] as const), below: [] };

describe('a book that several watch', () => {
  test('is one, found by key and by id until the last of them has left', () => {
    const subscriptions = createSubscriptions();
    const [first, second] = [subscriptions.enter(ADA, WATCHED), subscriptions.enter(ADA, WATCHED)];
    const { book } = first.audience;
    book.id = 7;
    subscriptions.found(book);

    expect(second.audience).toBe(first.audience);
    expect(subscriptions.leave(first)).toBeUndefined();
    expect([subscriptions.byKey(ADA), subscriptions.byId(7)]).toEqual([book, book]);
    expect(subscriptions.leave(second)).toBe(book);
    expect([subscriptions.byKey(ADA), subscriptions.byId(7), ...subscriptions.all()]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

test('a book stays as long as anybody watches any figure of it', () => {
  const subscriptions = createSubscriptions();
  const settled = subscriptions.enter(ADA, WATCHED);
  const dollars = subscriptions.enter(ADA, { ...WATCHED, currencies: ['USD'] });
  const { book } = settled.audience;

  expect(dollars.audience).not.toBe(settled.audience);
  expect(subscriptions.leave(settled)).toBeUndefined();
  expect(subscriptions.all()).toEqual([book]);
  expect(subscriptions.leave(dollars)).toBe(book);
  expect(subscriptions.all()).toEqual([]);
});

test('a book whose last reader left while it was looked for is not kept once it is found', () => {
  const subscriptions = createSubscriptions();
  const subscription = subscriptions.enter(ADA, WATCHED);
  const { book } = subscription.audience;
  subscriptions.leave(subscription);
  book.id = 7;
  subscriptions.found(book);

  expect(subscriptions.byId(7)).toBeUndefined();
});
