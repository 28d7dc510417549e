import { expect, test } from 'vitest';
import { divide } from '../../src/db/pools.ts';

test.each([
  [3, 1, { writes: 1, reads: 2 }],
  [10, 1, { writes: 4, reads: 6 }],
  [10, 4, { writes: 6, reads: 4 }],
  [20, 1, { writes: 4, reads: 16 }],
  [130, 64, { writes: 86, reads: 44 }],
  [200, 64, { writes: 133, reads: 67 }],
  [300, 64, { writes: 193, reads: 107 }],
])('%i connections are divided for %i lanes', (poolSize, lanes, divided) => {
  expect(divide(poolSize, lanes)).toEqual(divided);
});

test('no size leaves writes or questions without any, nor gives out more than there are', () => {
  for (let poolSize = 3; poolSize <= 1_000; poolSize += 1) {
    for (const lanes of [1, 2, 8, 64]) {
      const { writes, reads } = divide(poolSize, lanes);
      expect(writes).toBeGreaterThan(0);
      expect(reads).toBeGreaterThan(1);
      expect(writes + reads).toBe(poolSize);
    }
  }
});
