import { defineConfig } from 'vitest/config';

/** The specifications of the pure core, and nothing that needs a database. */
export default defineConfig({
  test: {
    include: [
      'test/credit/*.test.ts',
      'test/ledger/*rules.test.ts',
      'test/pending/promise.test.ts',
      'test/scope.test.ts',
    ],
    // Random histories find nearly every mutant, one by one, in minutes. Here the question is what the specifications say.
    exclude: ['test/credit/{laws,against-the-model}.test.ts'],
    maxWorkers: 1,
  },
});
