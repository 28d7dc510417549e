import type { Knex } from 'knex';

/**
 * What was asked and answered under a key can be forgotten: of a write its digest stays, in the place of the answer, so that
 * the hash chain holds; a success that took no version goes whole, and so needs an instant to be forgotten by. The key may
 * then be used anew, so the index holds the keys that are remembered, and no others.
 *
 * Lock impact: `writes` is read once and one of its indexes is built anew, under an exclusive lock; some seconds a million
 * writes. `idempotency` gets a column without being rewritten, and is read once.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table writes drop constraint writes_together;
    -- an answer without its request is the digest of both (src/book/facts.ts)
    alter table writes add constraint writes_together check (
      (idempotency_key is not null or (request is null and answer is null))
      and (request is null or answer is not null)
      and (request is not null or answer is null or octet_length(answer) = 32));
    drop index writes_key;
    create unique index writes_key on writes (shard, book_id, idempotency_key) where request is not null;

    -- of those that are there: not later than now
    alter table idempotency add column recorded_at timestamptz(3) not null default now();
    alter table idempotency alter column recorded_at drop default;
    alter table idempotency add constraint idempotency_readable check (
      recorded_at >= '0001-01-01 00:00:00+00' and recorded_at < '10000-01-01 00:00:00+00');
  `);
}
