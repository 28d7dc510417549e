import { once } from 'node:events';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { listDatabases, withDatabase } from './databases.ts';

// Serves the databases that the last failed test run kept, until Ctrl-C.
const postgres = await startEmbeddedPostgres({ dataDir: '.data/tests/failed' });
for (const name of await listDatabases(postgres.ownerUrl, 'test_')) {
  console.log(`psql '${withDatabase(postgres.ownerUrl, name)}'`);
}
await once(process, 'SIGINT');
await postgres.stop();
