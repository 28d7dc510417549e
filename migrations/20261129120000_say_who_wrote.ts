import type { Knex } from 'knex';

/**
 * Every version keeps who made it: the caller, whom it names as acting, and the id of its request. Versions that are there
 * keep telling nobody, and their links of the hash chain stay what they are.
 *
 * Lock impact: an exclusive lock on `writes` for an instant, in which nothing is rewritten; then it is read once beside
 * readers and writers. Instances of earlier releases may write meanwhile: their versions tell nobody.
 */
export const config = { transaction: false };

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table writes
      -- who was authenticated; null: made before versions told
      add column if not exists caller text,
      -- on whose behalf the caller said that it acted
      add column if not exists actor text,
      -- the id of the request: written as a uuid it takes less than half the room, and stands in the first, else in the second
      add column if not exists request_uuid uuid,
      add column if not exists request_text text,
      drop constraint if exists writes_actor_together,
      add constraint writes_actor_together check (
        -- what the first format hashed tells nobody
        (format > 1 or caller is null)
        and (caller is not null or (actor is null and request_uuid is null and request_text is null))
        and (request_uuid is null or request_text is null)) not valid`);
  await knex.raw(`alter table writes validate constraint writes_actor_together`);
}
