import type { Actor } from '../actor.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { eachOnce, inShard, ofNamed, PLACES, placesOf, type Placed } from '../db/placement.ts';
import { idOf } from '../id.ts';
import { actorColumns, actorIn, withWriteOf, type ToldRow } from '../ledger/writes.ts';

/** Who made a grant or a charge: who wrote the version that it came with. Null: made before that was kept. */
export type Made<Found> = { readonly found: Found; readonly actor: Actor | null };

type AskedMaker = Placed & { readonly id: string };
export type FoundMaker = AskedMaker & { readonly actor: Actor | null };

const p = parameters({ ...PLACES, ids: 'uuid[]' });

function makersIn(table: 'grants' | 'charges', prefix: 'grt' | 'chg') {
  const find = statement<ToldRow & { shard: number; book_id: number; id: string }>(
    `makers_of_${table}`,
    `select r.shard, r.book_id, r.id, ${actorColumns('w')}
     from unnest(${p.shards}, ${p.bookIds}, ${p.ids}) named (shard, book_id, id)
     ${ofNamed(table, 'r', 'r.id = named.id')}
     ${withWriteOf({ shard: 'named.shard', bookId: 'named.book_id', version: 'r.version' }, inShard('w'))}`,
  );
  return async (connection: Connection, asked: Iterable<AskedMaker>): Promise<readonly FoundMaker[]> => {
    const once = eachOnce(asked, ({ id }) => id);
    if (once.length === 0) return [];
    const rows = await connection.run(find, bind(p, placesOf(once), { ids: once.map(({ id }) => id) }));
    return rows.map((row) => ({
      shard: row.shard,
      bookId: row.book_id,
      id: idOf(prefix, row.id),
      actor: actorIn(row),
    }));
  };
}

/** Those of some grants, in any books; none for an id the book does not have. */
export const loadGrantMakers = makersIn('grants', 'grt');
/** The same of charges. */
export const loadChargeMakers = makersIn('charges', 'chg');
