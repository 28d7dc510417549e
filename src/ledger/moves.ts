import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { eachOnce, inShard, PLACES, placesOf, type Placed } from '../db/placement.ts';
import type { FoundFact } from '../db/table.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { versionAt } from './as-of.ts';
import { OF_CREDIT } from './entries-of.ts';
import { kindsHeld } from './posting.ts';

type MoveRow = { book_id: number; grant_id: string; booked_at: Instant; amount: Amount };

const p = parameters({ ...PLACES, grantIds: 'uuid[]', since: 'timestamptz[]' });

// Nothing is booked ahead of its recording, so what was booked after an instant was recorded after it: a range of
// versions, however long the grant's history is.
const MOVES_SINCE = statement<MoveRow>(
  'grant_moves_since',
  `select e.book_id, e.grant_id, e.booked_at, e.amount
   from unnest(${p.shards}, ${p.bookIds}, ${p.grantIds}, ${p.since}) named (shard, book_id, grant_id, since)
   cross join lateral (
     select ${versionAt({ shard: 'named.shard', bookId: 'named.book_id', asOf: 'named.since', where: inShard('w') })} as version
     offset 0
   ) known
   join lateral (
     select * from entries e
     where e.shard = named.shard and e.book_id = named.book_id and e.grant_id = named.grant_id and ${inShard('e')}
       and e.version > known.version and ${OF_CREDIT}
       and e.booked_at > named.since and e.kind not in ${kindsHeld('ISSUED', 'EXPIRED')}
     offset 0
   ) e on true
   order by e.version, e.position`,
);

export type GrantMove = {
  readonly grantId: string;
  readonly at: Instant;
  readonly delta: Amount;
};

/** What was taken from, given back to or voided of each grant after an instant, in order of recording. */
export async function movesSince(
  connection: Connection,
  named: readonly (Placed & { readonly grantId: string; readonly since: Instant })[],
): Promise<readonly FoundFact<GrantMove>[]> {
  if (named.length === 0) return [];
  const grants = eachOnce(named, ({ grantId }) => grantId);
  const asked = { grantIds: grants.map((n) => n.grantId), since: grants.map((n) => n.since) };
  const rows = await connection.run(MOVES_SINCE, bind(p, placesOf(grants), asked));
  return rows.map((row) => ({
    bookId: row.book_id,
    fact: { grantId: idOf('grt', row.grant_id), at: row.booked_at, delta: row.amount },
  }));
}
