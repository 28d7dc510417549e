import type { Knex } from 'knex';

/**
 * What is pending now, of many books at once, in one range per book. Lock impact: grants cannot be created, voided,
 * rescheduled or settled while the index is built; nothing else waits.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index scheduled_grants_known_now on scheduled_grants (shard, book_id, pending_until)
    where known_until is null
  `);
}
