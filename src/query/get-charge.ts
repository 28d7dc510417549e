import { ask, type AskedBook, type QueryDeps, type Viewed } from '../book/questions.ts';
import { NOW } from '../book/view.ts';
import type { Charge } from '../credit/charge.ts';
import { awaitAll } from '../db/database.ts';
import { chargesOf } from '../tables/charges.ts';
import { notFound } from './assert-named.ts';
import { loadChargeMakers, type Made } from '../book/makers.ts';

/** One charge as it stands now; CHARGE_NOT_FOUND where the customer has none of that id. */
export const getCharge = (
  deps: QueryDeps,
  { chargeId, ...book }: AskedBook & { readonly chargeId: string },
): Promise<Viewed<Made<Charge>>> =>
  ask(deps, { ...book, ...NOW }, async (connection, view) => {
    if (view.bookId === null) return notFound('chg', chargeId);
    const [[found], [maker]] = await awaitAll([
      chargesOf(connection, view, [chargeId]),
      loadChargeMakers(connection, [{ shard: view.shard, bookId: view.bookId, id: chargeId }]),
    ]);
    return { found: found?.charge ?? notFound('chg', chargeId), actor: maker?.actor ?? null };
  });
