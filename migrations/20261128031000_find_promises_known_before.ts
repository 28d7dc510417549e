import type { Knex } from 'knex';

/**
 * Pages of what is scheduled go on as their first was: promises that were known then and have changed since.
 *
 * Lock impact: grants cannot be created, voided, rescheduled or settled while the index is built; nothing else waits.
 * Later only a promise that changes before it is kept pays for it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index scheduled_grants_known_before on scheduled_grants (shard, book_id, known_until)
    where known_until is not null
  `);
}
