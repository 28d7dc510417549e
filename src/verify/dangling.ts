import { awaitAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { BookPlace } from './book-set.ts';
import { finding, type Finding } from './finding.ts';
import type { Written, WrittenEntry } from './written.ts';

/** Rows about a grant or charge that the book does not have; one that cannot be read is there. */

const missing = (table: string) =>
  statement<{ id: string }>(
    `${table}_missing`,
    `select named.id from unnest($3::uuid[]) named (id)
     left join lateral (
       select true as found from ${table} t where t.shard = $1 and t.book_id = $2 and t.id = named.id offset 0
     ) t on true
     where t.found is null`,
  );
const SUBJECTS = [
  { kind: 'grt', asked: missing('grants') },
  { kind: 'chg', asked: missing('charges') },
] as const;

/** Of ids of grants and charges those that the book does not have. */
export async function absentOf(
  connection: Connection,
  { shard, id: bookId }: BookPlace,
  ids: Iterable<string>,
): Promise<readonly string[]> {
  const byKind = Map.groupBy(ids, (id) => id.slice(0, 3));
  const found = await awaitAll(
    SUBJECTS.filter(({ kind }) => byKind.has(kind)).map(async ({ kind, asked }) => {
      const rows = await connection.run(asked, [shard, bookId, byKind.get(kind)!.map(uuidOf)]);
      return rows.map(({ id }) => idOf(kind, id));
    }),
  );
  return found.flat();
}

/** Entries that name a subject there is not: the first of each. `told` collects those told already. */
export async function danglingEntries(
  connection: Connection,
  book: BookPlace,
  versions: readonly Written[],
  told: Set<string>,
): Promise<Finding[]> {
  const firsts = new Map<string, WrittenEntry>();
  for (const { entries } of versions) {
    for (const entry of entries) {
      for (const id of [entry.grantId, entry.chargeId]) {
        if (id !== null && !firsts.has(id) && !told.has(id)) firsts.set(id, entry);
      }
    }
  }
  return (await absentOf(connection, book, firsts.keys())).map((id) => {
    told.add(id);
    const { version, position } = firsts.get(id)!;
    const place = { version, ...(id.startsWith('grt') ? { grantId: id } : { chargeId: id }) };
    const message = `entry ${position} of version ${version} is about ${id}, which the book does not have`;
    return finding('DANGLING_ROW', place, id, 'none', message);
  });
}
