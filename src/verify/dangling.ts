import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Book } from './book-set.ts';
import { finding, type Finding } from './finding.ts';
import type { ChargesPage } from './stored-charges.ts';
import type { Written, WrittenEntry } from './written.ts';

/** Rows about a grant or charge that the book does not have. */

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
  { prefix: 'grt', statement: missing('grants') },
  { prefix: 'chg', statement: missing('charges') },
] as const;

/** Entries that name a subject there is not: the first of each. `told` collects those told already. */
export async function danglingEntries(
  connection: Connection,
  { shard, id: bookId }: Book,
  versions: readonly Written[],
  told: Set<string>,
): Promise<Finding[]> {
  const firsts = new Map<string, WrittenEntry>();
  for (const entry of versions.flatMap(({ entries }) => entries)) {
    for (const id of [entry.grantId, entry.chargeId]) {
      if (id !== null && !firsts.has(id) && !told.has(id)) firsts.set(id, entry);
    }
  }
  const absent = await settleAll(
    SUBJECTS.map(async ({ prefix, statement: asked }) => {
      const named = [...firsts.keys()].filter((id) => id.startsWith(prefix));
      const rows = await connection.run(asked, [shard, bookId, named.map(uuidOf)]);
      return rows.map(({ id }) => idOf(prefix, id));
    }),
  );
  return absent.flat().map((id) => {
    told.add(id);
    const { version, position } = firsts.get(id)!;
    const place = { version, ...(id.startsWith('grt') ? { grantId: id } : { chargeId: id }) };
    const message = `entry ${position} of version ${version} is about ${id}, which the book does not have`;
    return finding('DANGLING_ROW', place, id, 'none', message);
  });
}

/** Splits, advances and events of charges there are not, but those told already. */
export function danglingRows(
  { charges, rows }: ChargesPage,
  version: number,
  told: ReadonlySet<string>,
): Finding[] {
  const known = new Set([...told, ...charges.map(({ charge }) => charge.id)]);
  return [...rows.keys()]
    .filter((chargeId) => !known.has(chargeId))
    .map((chargeId) => {
      const message = `splits, advances or events are of charge ${chargeId}, which the book does not have`;
      return finding('DANGLING_ROW', { chargeId, version }, chargeId, 'none', message);
    });
}
