import { expect, test } from 'vitest';
import { createSingleFlight } from '../../src/watch/single-flight.ts';

/** Work on items: what has begun, in order, and a way to end each. */
function watchedFlight(atOnce: number) {
  const begun: { readonly item: string; readonly end: PromiseWithResolvers<void> }[] = [];
  const { refresh } = createSingleFlight<string>(atOnce, (item) => {
    const end = Promise.withResolvers<void>();
    begun.push({ item, end });
    return end.promise;
  });
  return { refresh, items: () => begun.map(({ item }) => item), end: (i: number) => begun[i]!.end };
}

test('of one item one work is under way, and those who come meanwhile share the one after it', async () => {
  const { refresh, items, end } = watchedFlight(9);
  const first = refresh('a');
  const [second, third] = [refresh('a'), refresh('a')];
  void refresh('b');

  expect(items()).toEqual(['a', 'b']);
  end(0).resolve();
  await first;
  await Promise.resolve();
  expect(items()).toEqual(['a', 'b', 'a']);
  end(2).resolve();
  await Promise.all([second, third]);
  expect(items()).toEqual(['a', 'b', 'a']);
});

test('those who come while it waits for its turn share it', async () => {
  const { refresh, items, end } = watchedFlight(1);
  const first = refresh('a');
  const waiting = [refresh('b'), refresh('b')];

  expect(items()).toEqual(['a']);
  end(0).resolve();
  await first;
  expect(items()).toEqual(['a', 'b']);
  end(1).resolve();
  await Promise.all(waiting);
  expect(items()).toEqual(['a', 'b']);
});

test('work that fails fails those who waited for it, and the next is tried', async () => {
  const { refresh, items, end } = watchedFlight(1);
  const failing = refresh('a');
  const next = refresh('a');
  end(0).reject(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  await Promise.resolve();
  end(1).resolve();
  await next;

  expect(items()).toEqual(['a', 'a']);
});
