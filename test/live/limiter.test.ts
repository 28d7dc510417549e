import { expect, test } from 'vitest';
import { createLimiter } from '../../src/live/limiter.ts';

test('a limiter lets so many through at once, in order of arrival, also past one that fails', async () => {
  const limiter = createLimiter(2);
  const entered: number[] = [];
  const work = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const passed = work.map(({ promise }, i) =>
    limiter(() => {
      entered.push(i);
      return promise;
    }),
  );
  expect(entered).toEqual([0, 1]);
  work[1]!.reject(new Error('no'));
  await expect(passed[1]).rejects.toThrow('no');
  expect(entered).toEqual([0, 1, 2]);
  for (const { resolve } of work) resolve();
  await Promise.allSettled(passed);
  expect(entered).toEqual([0, 1, 2, 3, 4]);
});
