import { afterAll, beforeEach, expect, test } from 'vitest';
import type { Changed } from '../../src/live/signals.ts';
import { createClock } from '../../src/db/clock.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell } from '../../src/watch/doorbell.ts';
import { testDatabase } from '../support/postgres.ts';
import { untilSo } from '../support/until.ts';

/** What a doorbell says of what was written elsewhere: which books, or of too many only that there are some. */

const { url } = await testDatabase();

function doorbell() {
  const heard = { books: [] as Changed[], unclear: 0 };
  const { ring, close } = createDoorbell({
    url,
    clock: createClock(),
    log: createLog('silent'),
    onRing: (changed) => heard.books.push(...changed),
    onUnclear: () => (heard.unclear += 1),
  });
  afterAll(close);
  return { ring, heard };
}

const [here, there] = [doorbell(), doorbell()];
const changed = (count: number): readonly Changed[] =>
  Array.from({ length: count }, (_, i) => ({
    shard: i % 64,
    bookId: (i % 64) * 2 ** 47 + i,
    version: i + 1,
  }));

beforeEach(async () => {
  // Whoever has just begun to listen may have missed something, and says so.
  await untilSo('both listen', () => here.heard.unclear > 0 && there.heard.unclear > 0);
  for (const { heard } of [here, there]) [heard.books, heard.unclear] = [[], 1];
});

test.each([1, 125, 126, 1_000])('names each of %i books', async (count) => {
  here.ring(changed(count));
  await untilSo('all have been told', () => there.heard.books.length >= count);

  expect(there.heard).toEqual({ books: changed(count), unclear: 1 });
});

test('of more than a thousand it says that there are some', async () => {
  here.ring(changed(1_001));
  await untilSo('something has been told', () => there.heard.unclear > 1);

  expect(there.heard).toEqual({ books: [], unclear: 2 });
});

test('is not heard by whoever rings it', async () => {
  here.ring(changed(2));
  await untilSo('it has been heard', () => there.heard.books.length === 2);
  there.ring(changed(3));
  await untilSo('the answer has been heard', () => here.heard.books.length > 0);

  expect(here.heard).toEqual({ books: changed(3), unclear: 1 });
});
