import { ask, type AskedBook, type QueryDeps, type Viewed } from '../book/questions.ts';
import { NOW } from '../book/view.ts';
import type { Charge } from '../credit/charge.ts';
import { chargesOf } from '../tables/charges.ts';
import { notFound } from './assert-named.ts';

/** One charge as it stands now; CHARGE_NOT_FOUND where the customer has none of that id. */
export const getCharge = (
  deps: QueryDeps,
  { chargeId, ...book }: AskedBook & { readonly chargeId: string },
): Promise<Viewed<{ readonly charge: Charge }>> =>
  ask(deps, { ...book, ...NOW }, async (connection, view) => {
    const [found] = view.bookId === null ? [] : await chargesOf(connection, view, [chargeId]);
    return { charge: found?.charge ?? notFound('chg', chargeId) };
  });
