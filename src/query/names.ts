import { loadCharges, readCharge } from '../tables/charge-rows.ts';
import { loadGrants, readGrant } from '../tables/grant-rows.ts';
import type { BookView } from '../book/view.ts';
import { settleAll } from '../db/database.ts';
import type { Details } from '../credit/grant.ts';
import type { QueryDeps } from '../book/questions.ts';

/** What people call a grant or charge, by its id. */
export type Named = (id: string | null) => Details | undefined;

/** The details of the grants and charges some rows name: two statements whatever their number. They never change. */
export async function namesOf(
  { database }: QueryDeps,
  { shard, bookId }: BookView,
  rows: readonly { readonly grantId: string | null; readonly chargeId: string | null }[],
): Promise<Named> {
  if (bookId === null || rows.length === 0) return () => undefined;
  const grants = rows.flatMap(({ grantId }) => (grantId === null ? [] : [{ shard, bookId, grantId }]));
  const charges = rows.flatMap(({ chargeId }) => (chargeId === null ? [] : [{ shard, bookId, chargeId }]));
  const [grantRows, chargeRows] = await settleAll([
    loadGrants(database, grants),
    loadCharges(database, charges),
  ]);
  const details = new Map([
    ...grantRows.map((row) => readGrant(row).grant).map((grant) => [grant.id, grant.details] as const),
    ...chargeRows.map((row) => readCharge(row).charge).map((charge) => [charge.id, charge.details] as const),
  ]);
  return (id) => (id === null ? undefined : details.get(id));
}
