import { expect, test } from 'vitest';
import { createSingleFlight } from '../../src/watch/single-flight.ts';

/** What has ended, and a turn of the loop later what comes after it. */
async function turns(): Promise<void> {
  for (let count = 0; count < 2; count += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Work on items: the rounds that have begun, in order, and a way to end each. */
function watchedFlight(atOnce: number, most = 1) {
  const begun: { readonly items: string; readonly end: PromiseWithResolvers<void> }[] = [];
  const { refresh } = createSingleFlight<string>({ atOnce, most }, (items) => {
    const end = Promise.withResolvers<void>();
    begun.push({ items: items.join(' '), end });
    return end.promise;
  });
  /** Once what has been asked for has begun, as far as it may. */
  const items = async () => {
    await turns();
    return begun.map((round) => round.items);
  };
  return { refresh, items, end: (i: number) => begun[i]!.end };
}

test('of one item one work is under way, and those who come meanwhile share the one after it', async () => {
  const { refresh, items, end } = watchedFlight(9);
  const first = refresh('a');
  void refresh('b');
  await items();
  const [second, third] = [refresh('a'), refresh('a')];

  expect(await items()).toEqual(['a', 'b']);
  end(0).resolve();
  await first;
  expect(await items()).toEqual(['a', 'b', 'a']);
  end(2).resolve();
  await Promise.all([second, third]);
  expect(await items()).toEqual(['a', 'b', 'a']);
});

test('those who come while it waits for its turn share it', async () => {
  const { refresh, items, end } = watchedFlight(1);
  const first = refresh('a');
  const waiting = [refresh('b'), refresh('b')];

  expect(await items()).toEqual(['a']);
  end(0).resolve();
  await first;
  expect(await items()).toEqual(['a', 'b']);
  end(1).resolve();
  await Promise.all(waiting);
  expect(await items()).toEqual(['a', 'b']);
});

test('work that fails fails those who waited for it, and the next is tried', async () => {
  const { refresh, items, end } = watchedFlight(1);
  const failing = refresh('a');
  await items();
  const next = refresh('a');
  end(0).reject(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  await items();
  end(1).resolve();
  await next;

  expect(await items()).toEqual(['a', 'a']);
});

test('those that wait together go together, so many at most', async () => {
  const { refresh, items, end } = watchedFlight(1, 3);
  const all = ['a', 'b', 'c', 'd', 'e'].map((item) => refresh(item));
  expect(await items()).toEqual(['a b c']);
  all.push(refresh('f'), refresh('e'));
  end(0).resolve();
  expect(await items()).toEqual(['a b c', 'd e f']);
  end(1).resolve();

  expect(await Promise.all(all)).toHaveLength(7);
});
