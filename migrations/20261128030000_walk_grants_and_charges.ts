import type { Knex } from 'knex';

/**
 * Lists of grants and charges in some state, without reading the rows of all the others. Open charges have an index.
 *
 * Lock impact: writes to `grants`, then to `charges`, wait while the table is read once to build each index. Later writes
 * to `grants` pay for one more index only where its times, or how it became credit or was voided, change: a spend does
 * not. A charge pays only when it is canceled.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- in the order of the list, with what decides whether a grant is asked for: no row is read for those that are not
    create index grants_listed on grants (shard, book_id, id)
      include (version, recorded_at, currency, effective_at, expires_at, funded_at, voided_at, voided_version);
    create index charges_canceled on charges (shard, book_id, id) where status = 'CANCELED';
  `);
}
