import { build, built } from './builder.ts';
import type { Database } from './database.ts';

const IS_SUPERUSER = built<{ superuser: boolean }>(
  'is_superuser',
  build('pg_roles')
    .select({ superuser: 'rolsuper' })
    .where({ rolname: build.raw('current_user') }),
);

/** Whether the service runs as a superuser, whom the revoked privileges that keep the journal append-only do not bind. */
export async function runsAsSuperuser(database: Database): Promise<boolean> {
  const [role] = await database.run(IS_SUPERUSER);
  return role?.superuser === true;
}
