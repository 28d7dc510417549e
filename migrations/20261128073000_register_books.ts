import type { Knex } from 'knex';

/**
 * The set of books, written once when a book is made: a book that is deleted, renamed or moved to another namespace
 * shows against it. Nothing of a write or a question reads it.
 *
 * Lock impact: none that anybody waits for: the table is new, and `books` is read once. End instances of earlier
 * releases first: books that they make would be missing in it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table book_register (
      shard smallint not null,
      book_id uuid not null,
      namespace text not null,
      customer_id text not null,
      constraint book_register_pk primary key (shard, book_id),
      constraint book_register_customer_key unique (shard, namespace, customer_id)
    );
    insert into book_register (shard, book_id, namespace, customer_id)
      select shard, id, namespace, customer_id from books;
    revoke update, delete, truncate on book_register from current_user;
  `);
}
