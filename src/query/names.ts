import { chargesOf } from '../tables/charges.ts';
import { grantsOf } from '../tables/grants.ts';
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
  const book = { shard, bookId };
  const [grants, charges] = await settleAll([
    grantsOf(
      database,
      book,
      rows.flatMap(({ grantId }) => grantId ?? []),
    ),
    chargesOf(
      database,
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
