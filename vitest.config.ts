import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Two: Postgres needs its share of a small machine too, and more workers only queue for it.
    maxWorkers: 2,
    // Most tests take milliseconds. What takes longer than this hangs, and has to say so.
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
