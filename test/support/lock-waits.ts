import { openSql } from './sql.ts';
import { untilSo } from './until.ts';

/**
 * Until somebody in the database waits for a lock. Asked in a session of its own: within a transaction, such as that of
 * who holds the lock, Postgres goes on showing the activity it showed first.
 */
export async function untilSomebodyWaits(databaseUrl: string): Promise<void> {
  const sql = await openSql(databaseUrl);
  const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  try {
    await untilSo('somebody waits for a lock', async () => (await sql.rows(waits)).length > 0);
  } finally {
    await sql.end();
  }
}
