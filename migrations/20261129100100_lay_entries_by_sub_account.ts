import type { Knex } from 'knex';

/**
 * Entries lie in the order they are read by: one index, led by the sub-account, where there were two. Where its entries
 * lie a transaction says itself: its first position, and the sub-account of each.
 *
 * Lock impact: nobody reads or writes `transactions` and `entries` until this is done: each transaction is written
 * once, each entry read twice, for an index and for its transaction. The room of
 * what `transactions` held before is used again after its next vacuum.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table entries drop constraint entries_pk;
    drop index entries_sub_account;
    alter table entries add constraint entries_pk primary key (shard, book_id, sub_account, version, position);

    alter table transactions
      -- of its first entry; the others follow without a gap
      add column first_position integer not null default 0,
      -- of each of its entries, in order of position
      add column sub_accounts integer[] not null default '{}';
    grant update on transactions to current_user;
    update transactions t set first_position = own.first_position, sub_accounts = own.sub_accounts
    from (
      select e.shard, e.book_id, e.version, e.transaction, min(e.position) as first_position,
             array_agg(e.sub_account order by e.position) as sub_accounts
      from entries e group by e.shard, e.book_id, e.version, e.transaction
    ) own
    where own.shard = t.shard and own.book_id = t.book_id and own.version = t.version and own.transaction = t.ordinal;
    revoke update on transactions from current_user;
    alter table transactions alter column first_position drop default, alter column sub_accounts drop default;
  `);
}
