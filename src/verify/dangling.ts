import { statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { StoredEntry } from '../ledger/store.ts';
import type { BookPlace } from './book-set.ts';
import { finding, type Finding } from './finding.ts';

const missing = (table: string) =>
  statement<{ id: string }>(
    `${table}_missing`,
    `select named.id from unnest($3::uuid[]) named (id)
     left join lateral (
       select true as found from ${table} t where t.shard = $1 and t.book_id = $2 and t.id = named.id offset 0
     ) t on true
     where t.found is null`,
  );
const MISSING = { grt: missing('grants'), chg: missing('charges') };

/** Of ids whose grant or charge was not read, those that the book does not have: a row that cannot be read is there. */
export async function absentOf(
  connection: Connection,
  { shard, id: bookId }: BookPlace,
  kind: 'grt' | 'chg',
  unread: readonly string[],
): Promise<readonly string[]> {
  if (unread.length === 0) return [];
  const rows = await connection.run(MISSING[kind], [shard, bookId, unread.map(uuidOf)]);
  return rows.map(({ id }) => idOf(kind, id));
}

/** Something names a grant or charge there is not; `first`: the first entry that does, if one does. */
export function dangling(id: string, first: StoredEntry | undefined, bookVersion: number): Finding {
  const { version = bookVersion } = first ?? {};
  const place = { version, ...(id.startsWith('grt') ? { grantId: id } : { chargeId: id }) };
  const what =
    first === undefined
      ? `splits, advances or events are of charge ${id}`
      : `entry ${first.position} of version ${version} is about ${id}`;
  return finding('DANGLING_ROW', place, id, 'none', `${what}, which the book does not have`);
}
