import type { Actor } from '../actor.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import { actorColumns, actorIn, withWriteOf, type ToldRow } from '../ledger/writes.ts';

/** A grant or a charge as a question finds it, with who made it; null: made before that was kept. */
export type Made<Found> = { readonly found: Found; readonly actor: Actor | null };

const p = parameters({ shard: 'smallint', bookId: 'bigint', id: 'uuid' });

const makerIn = (table: 'grants' | 'charges'): Statement<ToldRow> =>
  statement(
    `maker_in_${table}`,
    `select ${actorColumns('w')} from ${table} o ${withWriteOf({ ...p, version: 'o.version' })}
     where o.shard = ${p.shard} and o.book_id = ${p.bookId} and o.id = ${p.id}`,
  );
const MAKER = { grants: makerIn('grants'), charges: makerIn('charges') };

/** Who made the grant or charge of an id; null also where there is none. */
export async function makerOf(
  connection: Connection,
  table: keyof typeof MAKER,
  book: Placed,
  id: string,
): Promise<Actor | null> {
  const [row] = await connection.run(MAKER[table], bind(p, book, { id }));
  return row === undefined ? null : actorIn(row);
}
