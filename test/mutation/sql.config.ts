import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

const REAL = resolve('src/db/database.ts');
const WATCHED = resolve('test/mutation/watched-database.ts');

/** The tests as ever, but every statement they run is asked in all its variants. */
export default defineConfig({
  test: { ...base.test, maxWorkers: 1, isolate: false, fsModuleCache: false },
  plugins: [
    {
      name: 'watched-database',
      enforce: 'pre',
      async resolveId(source, importer) {
        if (!source.endsWith('/database.ts') || importer === undefined || importer === WATCHED) return null;
        const found = await this.resolve(source, importer, { skipSelf: true });
        return found?.id === REAL ? WATCHED : null;
      },
    },
  ],
});
