import { bulkInsert, bulkUpdate, type Bulk, type OnConflict } from './bulk.ts';
import {
  codec,
  sameIn,
  selectOf,
  valuesFrom,
  valuesOf,
  type Row,
  type Shape,
  type ColumnValues,
} from './codec.ts';
import {
  columnsOf,
  inKey,
  smallint,
  bigint,
  within,
  type BoundColumn,
  type Columns,
  type ColumnSet,
} from './columns.ts';
import { statement, type Connection } from './database.ts';
import { bind, parameters } from './parameters.ts';
import { eachOnce, ofNamed, PLACES, placesOf, type Placed } from './placement.ts';
import { uuidOf } from '../id.ts';

/** A fact of a book, with the place where it lies. */
export type Owned<Fact> = Placed & { readonly fact: Fact };

/** A fact as it was found, with the book it is of. */
export type FoundFact<Fact> = { readonly bookId: number; readonly fact: Fact };

/** A table with a row for each fact of a kind. `More`: what else has to be known of a fact to store it. */
export type Table<Fact, More = unknown> = {
  readonly name: string;
  readonly columns: Columns<Owned<Fact> & More>;
  /** The columns that `read` needs, of a row called `alias`. */
  select(alias: string): string;
  read(row: Row<Fact>): Fact;
  readonly insert: Bulk<Owned<Fact> & More>;
  /** Updates the columns that are part of the sets, in rows named by their keys and called `t` in the condition. */
  update(name: string, sets: readonly ColumnSet[], condition?: string): Bulk<Owned<Fact> & More>;
  /**
   * Finds the facts of each of some books whose row `r` fits a condition: one statement, and none where none are asked
   * for. `by` is what is asked for within the book, `named.by` in the condition.
   */
  finder<Asked extends Placed = Placed>(name: string, where: string, by?: By<Asked>): Finder<Asked, Fact>;
  /** The same where the id in a column is what an asked one names as its `field`. */
  finderById<Field extends string>(
    name: string,
    column: string,
    field: Field,
    order?: string,
  ): Finder<Placed & { readonly [Name in Field]: string }, Fact>;
  /** Tells whether two facts are the same in every column that is part of a set, by identity. */
  same(set: ColumnSet): (a: Fact, b: Fact) => boolean;
  /** All columns but those of the place, of a row called `alias`. */
  selectAll(alias: string): string;
  /** What is to stand in those columns, by name, in the values that facts are made of. */
  values(own: Owned<Fact> & More): ColumnValues;
  /** What stands in them in a row. */
  valuesIn(row: Row<Fact>): ColumnValues;
};

type By<Asked> = { readonly type: string; readonly of: (asked: Asked) => string };
export type Finder<Asked, Fact> = (
  connection: Connection,
  asked: Iterable<Asked>,
) => Promise<readonly FoundFact<Fact>[]>;

const named = parameters(PLACES);

/**
 * `made`: the columns that are made of what is stored and never read, by name. `onConflict`: what an insert does where the
 * row is there.
 */
export function tableOf<Fact, More = unknown>(
  name: string,
  shape: Shape<Fact>,
  made: Readonly<Record<string, Omit<BoundColumn<Owned<Fact> & More>, 'name'>>> = {},
  onConflict: OnConflict = 'fails',
): Table<Fact, More> {
  type Own = Owned<Fact> & More;
  const { columns: facts, read } = codec(shape);
  const stored = [{ field: 'fact', columns: facts as Columns<never> }, ...columnsOf<Own>(made)];
  const columns: Columns<Own> = [...PLACE, ...stored];
  const select = (alias: string) => `${alias}.book_id, ${selectOf(facts, alias)}`;

  function finderIn<Asked extends Placed>(finder: string, where: string, by?: By<Asked>, order = '') {
    const [parameter, column] = by === undefined ? ['', ''] : [`, $4::${by.type}[]`, ', by'];
    const find = statement<Row<Fact> & { readonly book_id: number }>(
      finder,
      `select ${select('r')} from unnest(${named.shards}, ${named.bookIds}${parameter}) named (shard, book_id${column})
       ${ofNamed(name, 'r', where)} ${order}`,
    );
    return async (connection: Connection, asked: Iterable<Asked>): Promise<readonly FoundFact<Fact>[]> => {
      const once = eachOnce(asked, (one) => by?.of(one) ?? '');
      if (once.length === 0) return [];
      const params = [...bind(named, placesOf(once)), ...(by === undefined ? [] : [once.map(by.of)])];
      return (await connection.run(find, params)).map((row) => ({ bookId: row.book_id, fact: read(row) }));
    };
  }

  return {
    name,
    columns,
    select,
    read,
    insert: bulkInsert(name, columns, onConflict),
    update: (statementName, sets, condition) => bulkUpdate(statementName, name, columns, sets, condition),
    finder: (statementName, where, by) => finderIn(statementName, where, by),
    finderById: (statementName, column, field, order) =>
      finderIn(
        statementName,
        `r.${column} = named.by`,
        { type: 'uuid', of: (asked) => uuidOf(asked[field]) },
        order,
      ),
    same(set) {
      const compared = within(facts, [set]);
      return (a, b) => sameIn(compared, a, b);
    },
    selectAll: (alias) => selectOf(stored, alias),
    values: (own) => valuesOf(stored, own),
    valuesIn: (row) => valuesFrom(stored, row),
  };
}

const PLACE = columnsOf<Placed>({
  shard: { ...inKey(smallint), of: 'shard' },
  book_id: { ...inKey(bigint), of: 'bookId' },
});

/** The facts of each book, by its id. */
export function byBook<Fact>(found: readonly FoundFact<Fact>[]): (bookId: number) => readonly Fact[] {
  const books = Map.groupBy(found, ({ bookId }) => bookId);
  return (bookId) => books.get(bookId)?.map(({ fact }) => fact) ?? [];
}

/** A finder by id for one book: the facts alone. */
export const inBook =
  <Field extends string, Fact>(
    find: Finder<Placed & { readonly [Name in Field]: string }, Fact>,
    field: Field,
  ) =>
  async (
    connection: Connection,
    { shard, bookId }: Placed,
    ids: Iterable<string>,
  ): Promise<readonly Fact[]> => {
    const asked = Array.from(ids, (id) => ({ shard, bookId, [field]: id }) as never);
    return (await find(connection, asked)).map(({ fact }) => fact);
  };
