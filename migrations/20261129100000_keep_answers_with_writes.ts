import type { Knex } from 'knex';

/**
 * What a write was asked and answered under its key stands in the row of the write, and the row of the key goes: a spend
 * has one row less and one index entry. `idempotency` keeps the successes that took no version.
 *
 * Lock impact: both tables are written anew and locked until that is done, so questions about the past and writes wait;
 * it takes some seconds a million writes, and as much room again as the two have. End instances of earlier releases
 * first: they would not find the keys.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(MAKE);
  await knex.raw(CARRY_OVER);
  await knex.raw(HOLD);
  // What cannot be read was let be before, and is.
  const { rows } = await knex.raw<{ rows: unknown[] }>(`select from writes where not (${READABLE}) limit 1`);
  if (rows.length === 0) await knex.raw(`alter table writes validate constraint writes_readable`);
  await knex.raw(`analyze writes`);
}

const READABLE = `recorded_at >= '0001-01-01 00:00:00+00' and recorded_at < '10000-01-01 00:00:00+00'`;

// Keys and indexes go first: their names are those of the indexes to come. What has a fixed width stands in front, so
// that little is lost to alignment.
const MAKE = `
  alter table writes rename to writes_before;
  alter table writes_before drop constraint writes_pk;
  drop index writes_feed, writes_recorded_at;
  alter table idempotency rename to idempotency_before;
  alter table idempotency_before drop constraint idempotency_pk;

  create table writes (
    shard smallint not null,
    -- how the hashes of the write and of its transactions are made (src/ledger/hash.ts)
    format smallint not null default 1,
    book_id uuid not null,
    version bigint not null,
    recorded_at timestamptz(3) not null,
    feed_position bigint not null default 0,
    -- the RPC's name
    method text not null,
    -- what its digests are made with; null in the first format
    salt bytea,
    -- its link of the hash chain; null in the first format
    hash bytea,
    idempotency_key text,
    -- what was asked under the key and answered first
    request bytea,
    answer bytea
  );
  create table idempotency (
    shard smallint not null,
    book_id uuid not null,
    key text not null,
    method text not null,
    request bytea not null,
    answer bytea not null,
    -- null: remembered before answers had one
    hash bytea
  );`;

const CARRY_OVER = `
  insert into writes (book_id, version, recorded_at, feed_position, shard, format, method, salt, hash, idempotency_key,
    request, answer)
  select w.book_id, w.version, w.recorded_at, w.feed_position, w.shard, w.format, w.method, w.salt, w.hash,
    w.idempotency_key, i.request, i.answer
  from writes_before w
  left join idempotency_before i
    on i.shard = w.shard and i.book_id = w.book_id and i.key = w.idempotency_key and i.method = w.method and i.hash is null
  order by w.shard, w.book_id, w.version;

  insert into idempotency (book_id, shard, key, method, request, answer, hash)
  select i.book_id, i.shard, i.key, i.method, i.request, i.answer, i.hash
  from idempotency_before i
  left join writes_before w
    on w.shard = i.shard and w.book_id = i.book_id and w.idempotency_key = i.key and w.method = i.method
  where w.version is null or i.hash is not null;

  drop table writes_before, idempotency_before;`;

const HOLD = `
  alter table writes
    add constraint writes_pk primary key (shard, book_id, version),
    add constraint writes_hashed check ((format = 1) = (salt is null) and (format = 1) = (hash is null)),
    add constraint writes_together check (
      (request is null) = (answer is null) and (request is null or idempotency_key is not null)),
    add constraint writes_readable check (${READABLE}) not valid;
  create index writes_recorded_at on writes (shard, book_id, recorded_at, version);
  create index writes_feed on writes (shard, feed_position, book_id, version);
  create unique index writes_key on writes (shard, book_id, idempotency_key) where idempotency_key is not null;
  alter table idempotency add constraint idempotency_pk primary key (shard, book_id, key);
  revoke update, delete, truncate on writes, idempotency from current_user;`;
