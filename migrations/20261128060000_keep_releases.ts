import type { Knex } from 'knex';

/**
 * A grant keeps that its void released what was owed for it (RELEASE_UNPAID): credit that a correction gives back to it
 * is not owed either. Those of before are told by the entries of their void, whose other side is a receivable.
 *
 * Lock impact: `grants` is locked for the moment the column takes, which rewrites nothing; then the voided funded
 * grants are updated, and writes to the books that have such wait for that.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table grants add column released boolean not null default false`);
  await knex.raw(`
    update grants g set released = true
    where g.voided_at is not null and g.booked_at is not null and g.funding_method <> 'NONE'
      and exists (
        select from entries e
        join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
        where e.shard = g.shard and e.book_id = g.book_id and e.grant_id = g.id
          and e.kind = 'VOID' and s.type = 'CUSTOMER_RECEIVABLE')`);
}
