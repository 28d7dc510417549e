import { once, type Once } from './once.ts';

/**
 * Where the rows of a book lie. Statements of the write path carry books of several shards at once, so that a batch
 * may be as large as what waits. On Citus a batch holds one shard only, and a statement that names it as a constant
 * goes to the one node that holds it; elsewhere that constant is null and costs nothing.
 */
export type Placed = { readonly shard: number; readonly bookId: number };

/** A book, and the last version of it that is known. */
export type KnownBook = Placed & { readonly version: number };

/** Each book once. */
export const booksOnce = <Book extends Placed>(books: Iterable<Book>): Once<Book> =>
  once(books, ({ bookId }) => String(bookId));

/** Each grant, charge or transaction of a book once, by what is its id. */
export const eachOnce = <Name extends Placed>(
  names: Iterable<Name>,
  idOf: (name: Name) => string,
): Once<Name> => once(names, (name) => `${name.bookId} ${idOf(name)}`);

/** The first parameters of statements that name books: their shards, their ids, and the one shard of all. */
export const PLACES = { shards: 'smallint[]', bookIds: 'bigint[]', oneShard: 'smallint' } as const;
export const placesOf = (books: Once<Placed>) => ({
  shards: books.map(({ shard }) => shard),
  bookIds: books.map(({ bookId }) => bookId),
  oneShard: onlyOne(books.map(({ shard }) => shard)),
});

/** The one shard there is among these; null if there are several. */
export const onlyOne = <Shard>(shards: readonly Shard[]): Shard | null =>
  shards.every((shard) => shard === shards[0]) ? (shards[0] ?? null) : null;

/** The condition that keeps a table to the one shard in a parameter, where there is one. */
export const inShard = (alias: string, parameter: `$${number}` = '$3'): string =>
  `(${parameter}::smallint is null or ${alias}.shard = ${parameter})`;

/**
 * Joins, for each of the `named` books, the rows of a table that fit a condition. Row by row and by index: without
 * the `offset 0` the planner, where it has no statistics yet, reads the whole table once for all.
 */
export const ofNamed = (table: string, alias: string, condition: string): string => `
  join lateral (
    select * from ${table} ${alias}
    where ${alias}.shard = named.shard and ${alias}.book_id = named.book_id and ${inShard(alias)} and ${condition}
    offset 0
  ) ${alias} on true`;
