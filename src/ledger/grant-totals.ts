import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { idOf } from '../id.ts';
import { grantAt, POINT, type JournalPoint } from './as-of.ts';
import { lateOfGrants } from './late-entries.ts';

/** What a grant held at a point, and what it had lost by then other than by consumption. */
export type GrantTotals = { readonly remaining: Amount; readonly forfeited: Amount };

const p = parameters({ ...POINT, grantIds: 'uuid[]' });

const GRANTS = statement<GrantTotals & { grant_id: string }>(
  'grants_at',
  `select named.grant_id, held.remaining, held.forfeited
   from unnest(${p.grantIds}) named (grant_id)
   cross join lateral (${grantAt({ ...p, grant: 'named.grant_id' })}) held`,
);

/** By grant id. */
export async function grantTotals(
  connection: Connection,
  point: JournalPoint,
  grantIds: readonly string[],
): Promise<ReadonlyMap<string, GrantTotals>> {
  if (grantIds.length === 0) return new Map();
  const rows = await connection.run(GRANTS, bind(p, point, { grantIds }));
  return new Map(
    rows.map(({ grant_id, remaining, forfeited }) => [idOf('grt', grant_id), { remaining, forfeited }]),
  );
}

const point = parameters(POINT);
const LATE = statement<{ grant_id: string }>(
  'late_grants_at',
  `select late.grant_id from (${lateOfGrants(point)}) late group by late.grant_id having sum(late.amount) <> 0`,
);

/**
 * The grants that hold more or less at the point's instant by what was recorded after it. One that held nothing by what
 * had been recorded then, and is not among them, holds nothing.
 */
export async function lateGrants(connection: Connection, at: JournalPoint): Promise<readonly string[]> {
  const rows = await connection.run(LATE, bind(point, at));
  return rows.map((row) => idOf('grt', row.grant_id));
}
