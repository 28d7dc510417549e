import type { Knex } from 'knex';

/**
 * What a transaction did for a grant or a charge is found by one row of an index, or by none. The entries of credit tell
 * of their grant, and those beside them lie in the same transaction; only of kinds that touch no credit every entry is
 * in the index. What a charge collected is told by the versions of the charge.
 *
 * Lock impact: nobody writes to `entries` while it is read twice to build the indexes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index entries_grant, entries_charge;
    create index entries_grant on entries (shard, book_id, grant_id, version, position)
      where grant_remaining is not null or (grant_id is not null and kind in (
        'PAYMENT_AUTHORIZED', 'PAYMENT_SETTLED', 'PAYMENT_FAILED', 'RECOGNIZE', 'MANUAL', 'REVERSE'));
    create index entries_charge on entries (shard, book_id, charge_id, version)
      where charge_id is not null and kind <> 'CONSUME';
  `);
}
