import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import { loadFormerTerms, type FormerTerms } from '../tables/former-terms.ts';
import { GRANT_COLUMNS, readGrant, type GrantRow, type StoredGrant } from '../tables/grant-rows.ts';

/** A grant as it stands in its row, with what its standing is held against. */
export type WrittenGrant = StoredGrant & {
  readonly spanClass: number | null;
  /** Its terms before each change, oldest first. */
  readonly former: readonly FormerTerms[];
  /** The first write at or after its expiry, not before the one that set it; null: there was none yet. */
  readonly expiryVersion: number | null;
};

/** Few: the database adds up all that each of them paid for in one statement. */
const PAGE = 100;
/** Bounds of ids: the first is inclusive, the second exclusive. */
const FIRST_ID = idOf('grt', '0'.repeat(32));
const LAST_ID = idOf('grt', 'f'.repeat(32));

const GRANTS = statement<GrantRow & { span_class: number | null; expiry_version: number | null }>(
  'grants_to_verify',
  `select ${GRANT_COLUMNS}, g.span_class, expiry.version as expiry_version
   from (
     select * from grants g where g.shard = $1 and g.book_id = $2 and g.id < $3::uuid order by g.id desc limit $4
   ) g
   left join lateral (
     select w.version from writes w
     where w.shard = $1 and w.book_id = $2 and w.version >= g.version
       and w.recorded_at >= greatest(g.expires_at, g.recorded_at)
     order by w.recorded_at, w.version limit 1
   ) expiry on true
   order by g.id desc`,
);

/** A book's grants in pages; a page answers for all ids from `from` (inclusive) to `until` (exclusive). */
export async function* writtenGrants(
  connection: Connection,
  { shard, id: bookId }: { readonly shard: number; readonly id: string },
): AsyncGenerator<
  { readonly grants: readonly WrittenGrant[]; readonly from: string; readonly until: string },
  void,
  undefined
> {
  for (let until = LAST_ID; ;) {
    const rows = await connection.run(GRANTS, [shard, bookId, uuidOf(until), PAGE]);
    const named = rows.map((row) => ({ shard, bookId, grantId: idOf('grt', row.id) }));
    const former = await loadFormerTerms(connection, named);
    const grants = rows.map((row) => ({
      ...readGrant(row),
      spanClass: row.span_class,
      ...expiringOf(row, former.get(idOf('grt', row.id)) ?? []),
    }));
    const isLast = rows.length < PAGE;
    const from = isLast ? FIRST_ID : grants.at(-1)!.grant.id;
    yield { grants, from, until };
    if (isLast) return;
    until = from;
  }
}

/** Writes of one instant have an order: one that let a grant expire at once comes after those before it. */
function expiringOf(
  row: GrantRow & { readonly expiry_version: number | null },
  former: readonly FormerTerms[],
): Pick<WrittenGrant, 'former' | 'expiryVersion'> {
  const set = former.findLast(({ terms }) => terms.expiresAt !== row.expires_at)?.untilVersion ?? row.version;
  const reached = row.expiry_version;
  return { former, expiryVersion: reached === null ? null : Math.max(reached, set) };
}

const missing = (table: string): string => `
  select named.id from unnest($3::uuid[]) named (id)
  left join lateral (
    select true as found from ${table} t where t.shard = $1 and t.book_id = $2 and t.id = named.id offset 0
  ) t on true
  where t.found is null`;

const MISSING_GRANTS = statement<{ id: string }>('grants_missing', missing('grants'));
const MISSING_CHARGES = statement<{ id: string }>('charges_missing', missing('charges'));

/** Which of some ids of grants and charges the book does not have. */
export async function missingSubjects(
  connection: Connection,
  { shard, id }: { readonly shard: number; readonly id: string },
  grantIds: Iterable<string>,
  chargeIds: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const [grants, charges] = await settleAll([
    connection.run(MISSING_GRANTS, [shard, id, [...grantIds].map(uuidOf)]),
    connection.run(MISSING_CHARGES, [shard, id, [...chargeIds].map(uuidOf)]),
  ]);
  return new Set([...grants.map((row) => idOf('grt', row.id)), ...charges.map((row) => idOf('chg', row.id))]);
}
