import type { Knex } from 'knex';

/**
 * The second format of a book's hash chain: a link for each write, over the transactions it booked and the facts it
 * recorded, its key and its answer. Rows of before stay in the first format, in which only transactions had a hash.
 *
 * Lock impact: the columns are added without a rewrite, under an exclusive lock held for an instant.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- how the hashes of the write and of its transactions are made (src/ledger/hash.ts)
    alter table writes add column format smallint not null default 1;
    -- what the digests of its texts and its answer are made with: without it they tell nothing of what they are of
    alter table writes add column salt bytea;
    -- of the last of its transactions, else of the write before it, and of the write's facts; null in the first format
    alter table writes add column hash bytea;
    alter table writes add constraint writes_hashed check (
      (format = 1) = (salt is null) and (format = 1) = (hash is null));
    -- of the usage report, where it had one
    alter table charge_events add column sequence bigint;
    -- of a success that took no version, which no write tells of; null where the write of the key does
    alter table idempotency add column hash bytea;
  `);
}
