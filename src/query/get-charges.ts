import { pageOfCharges, type ChargeFilter, type ChargePage } from './charge-pages.ts';
import { chargesOf } from '../tables/charges.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { Charge } from '../credit/charge.ts';
import { notFound } from './named.ts';
import { ask, type QueryDeps } from '../book/questions.ts';

type Asked = { readonly key: BookKey; readonly minVersion: number };

/** One charge as it stands now; CHARGE_NOT_FOUND where the customer has none of that id. */
export const getCharge = (
  deps: QueryDeps,
  { chargeId, ...asked }: Asked & { readonly chargeId: string },
): Promise<{ readonly version: number; readonly charge: Charge }> =>
  ask(deps, { ...asked, asOf: null, knownAt: null }, async (connection, { shard, bookId, version }) => {
    const [found] = bookId === null ? [] : await chargesOf(connection, { shard, bookId }, [chargeId]);
    return found === undefined ? notFound('chg', chargeId) : { version, charge: found.charge };
  });

export type ChargesQuestion = Asked & {
  readonly filter: ChargeFilter;
  /** The id the page begins with; null for the first. */
  readonly from: string | null;
  readonly limit: number;
};

/**
 * A customer's charges as they stand now, newest recorded first: bounded work. A page may hold fewer than asked for, also
 * none, where others are to be looked for behind it.
 */
export const listCharges = (
  deps: QueryDeps,
  { key, minVersion, filter, from, limit }: ChargesQuestion,
): Promise<ChargePage & { readonly version: number }> =>
  ask(
    deps,
    { key, minVersion, asOf: null, knownAt: null },
    async (connection, { shard, bookId, version }) => ({
      version,
      ...(bookId === null
        ? { charges: [], next: null }
        : await pageOfCharges(connection, { shard, bookId }, filter, { from, limit })),
    }),
  );
