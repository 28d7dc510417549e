import { bringUpDatabase, bringUpSchema, configOrExit } from './bring-up.ts';
import { createLog } from './log.ts';
import { StartError } from './start-error.ts';

/**
 * `npm run migrate`: migrates the database apart from a start, as the owner, and grants the role of the service what it
 * needs. Ends with 0 where the schema is that of this release.
 */

const config = configOrExit();
const log = createLog(config.logLevel);
try {
  const database = await bringUpDatabase(config, log);
  try {
    await bringUpSchema(database, config, log);
    log.info('the schema is that of this release');
  } finally {
    await database.release();
  }
} catch (err) {
  if (err instanceof StartError) log.fatal(`the database cannot be migrated: ${err.message}`);
  else log.fatal({ err }, 'the database cannot be migrated');
  process.exitCode = 1;
}
