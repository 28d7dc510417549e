import type { Knex } from 'knex';

/**
 * Rows name their book by a number of eight bytes instead of its uuid: in every row and in every index of a book that is
 * half as much. The number is made of the shard and the uuid (src/tables/book-key.ts), so that each table is changed by
 * itself; the uuid stays in `books`, for what was told of it outside.
 *
 * Lock impact: each table is locked and written anew, one after the other, with its indexes: about as long as reading and
 * writing all of the data. End instances of earlier releases first.
 */
export async function up(knex: Knex): Promise<void> {
  const owned = await knex.raw<{ rows: { name: string }[] }>(`
    select c.relname as name from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'book_id' and not a.attisdropped
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
    order by c.relname`);
  await knex.raw(`
    alter table grants drop constraint grants_book_fk;
    alter table scheduled_grants drop constraint scheduled_grants_book_fk;
    alter table sub_accounts drop constraint sub_accounts_book_fk;
    alter table books add column uuid uuid;
    update books set uuid = id;
    alter table books alter column uuid set not null;
  `);
  await knex.raw(`alter table books alter column id type bigint using ${number('id')}`);
  for (const { name } of owned.rows) {
    await knex.raw(`alter table ${name} alter column book_id type bigint using ${number('book_id')}`);
  }
  for (const table of ['grants', 'scheduled_grants', 'sub_accounts']) {
    await knex.raw(`
      alter table ${table} add constraint ${table}_book_fk
        foreign key (shard, book_id) references books (shard, id)`);
  }
}

const number = (uuid: string): string => `(shard::bigint << 47)
  | (('x' || right(replace(${uuid}::text, '-', ''), 12))::bit(48)::bigint & ((1::bigint << 47) - 1))`;
