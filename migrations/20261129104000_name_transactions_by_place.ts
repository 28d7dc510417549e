import type { Knex } from 'knex';

/**
 * The id of a transaction holds its place (src/ledger/transaction-id.ts): neither a column nor an index has it. Those of
 * before keep their ids, and the index over them.
 *
 * Lock impact: nobody reads or writes `transactions` while it is read once to build the index.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table transactions alter column id drop not null;
    drop index transactions_id;
    create unique index transactions_id on transactions (id, shard) where id is not null;
  `);
}
