import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { spanClass } from '../db/span.ts';
import { samePromise, type CreditPromise } from './promise.ts';
import { SCHEDULED_GRANTS, type StoredPromise } from './scheduled-grants.ts';

/** The index as it stands in its rows, and as it should stand: for verification. */

/** A row of the index. */
export type WrittenPromise = StoredPromise & { readonly spanClass: number | null };

const WRITTEN = statement<Row<StoredPromise> & { span_class: number }>(
  'promises_to_verify',
  `select ${SCHEDULED_GRANTS.select('s')}, s.span_class
   from scheduled_grants s
   where shard = $1 and book_id = $2 and grant_id > $3::uuid and grant_id <= $4::uuid
   order by grant_id, known_from`,
);

/** A book's rows for the grants after one id and through another, whether there are such grants or not. */
export async function writtenPromises(
  connection: Connection,
  { shard, id }: { readonly shard: number; readonly id: string },
  range: { readonly after: string; readonly through: string },
): Promise<readonly WrittenPromise[]> {
  const rows = await connection.run(WRITTEN, [shard, id, range.after, range.through]);
  return rows.map((row) => ({ ...SCHEDULED_GRANTS.read(row), spanClass: row.span_class }));
}

/** The rows there should be of a promise that was learned, changed and given up under these versions, in order. */
export function rowsOf(
  owner: { readonly namespace: string; readonly customerId: string },
  learned: readonly { readonly version: number; readonly promise: CreditPromise | null }[],
): readonly WrittenPromise[] {
  const changes = learned.filter(
    ({ promise }, i) => !samePromise(i === 0 ? null : learned[i - 1]!.promise, promise),
  );
  return changes.flatMap(({ version, promise }, i): WrittenPromise[] =>
    promise === null
      ? []
      : [
          {
            ...owner,
            promise,
            knownFrom: version,
            knownUntil: changes[i + 1]?.version ?? null,
            spanClass: spanClass(promise.from, promise.until),
          },
        ],
  );
}
