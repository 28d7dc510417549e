import type { Database } from './database.ts';
import { statement } from './statement.ts';

/** The settings without which what is called committed may not last. */
export const CARELESS_SETTINGS: readonly string[] = ['fsync', 'full_page_writes', 'synchronous_commit'];

// As this role's sessions have them: a role or a database may be set otherwise than the server.
const CARELESS = statement<{ name: string }>(
  'careless_settings',
  `select name from pg_settings where name = any ('{${CARELESS_SETTINGS.join()}}') and setting = 'off'
   order by name`,
);

/** The settings by which a crash of Postgres may take back what it has called committed; none where commits last. */
export async function carelessSettings(database: Database): Promise<readonly string[]> {
  return (await database.run(CARELESS)).map(({ name }) => name);
}
