import type { Knex } from 'knex';
import { StartError } from '../start-error.ts';

/** The oldest major version of Postgres that the schema and the statements work on. */
const oldest = 15;

/** @throws if the server is older than Postgres 15. */
export async function requireSupportedPostgres(db: Knex): Promise<void> {
  const { rows } = await db.raw<{ rows: { server_version_num: string }[] }>('show server_version_num');
  refuseOlderThanOldest(Number(rows[0]?.server_version_num));
}

/** @param version as `server_version_num` has it: 150004 is 15.4. */
export function refuseOlderThanOldest(version: number): void {
  const major = Math.trunc(version / 10_000);
  if (major >= oldest) return;
  throw new StartError(
    `DATABASE_URL leads to Postgres ${major}, but Postgres ${oldest} or newer is needed: upgrade that server, ` +
      'or unset DATABASE_URL to use the embedded one.',
  );
}
