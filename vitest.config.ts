import { defineConfig } from 'vitest/config';
import { HANGS_AFTER_MS } from './test/support/until.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Two: Postgres needs its share of a small machine too, and more workers only queue for it.
    maxWorkers: 2,
    testTimeout: HANGS_AFTER_MS,
    hookTimeout: HANGS_AFTER_MS,
  },
});
