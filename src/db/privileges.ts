import { statement, type Database } from './database.ts';

const IS_SUPERUSER = statement<{ superuser: boolean }>(
  'is_superuser',
  `select rolsuper as superuser from pg_roles where rolname = current_user`,
);

/** Whether the service runs as a superuser, whom the revoked privileges that keep the journal append-only do not bind. */
export async function runsAsSuperuser(database: Database): Promise<boolean> {
  const [role] = await database.run(IS_SUPERUSER);
  return role?.superuser === true;
}
