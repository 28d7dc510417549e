import { chargesOf } from '../tables/charges.ts';
import { grantsOf } from '../tables/grants.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import type { Details } from '../credit/grant.ts';

/** What people call a grant or charge, by its id. */
export type Named = (id: string | null) => Details | undefined;

/** The details of the grants and charges some rows name: two statements whatever their number. They never change. */
export async function detailsOf(
  connection: Connection,
  book: Placed,
  rows: readonly { readonly grantId: string | null; readonly chargeId: string | null }[],
): Promise<Named> {
  const [grants, charges] = await awaitAll([
    grantsOf(
      connection,
      book,
      rows.flatMap(({ grantId }) => grantId ?? []),
    ),
    chargesOf(
      connection,
      book,
      rows.flatMap(({ chargeId }) => chargeId ?? []),
    ),
  ]);
  const details = new Map([
    ...grants.map(({ grant }) => [grant.id, grant.details] as const),
    ...charges.map(({ charge }) => [charge.id, charge.details] as const),
  ]);
  return (id) => (id === null ? undefined : details.get(id));
}
