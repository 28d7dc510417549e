import { chargesOf } from '../tables/charges.ts';
import { ask, type Asked, type QueryDeps } from '../book/questions.ts';
import type { Charge } from '../credit/charge.ts';
import { notFound } from './named.ts';

/** One charge as it stands now; CHARGE_NOT_FOUND where the customer has none of that id. */
export const getCharge = (
  deps: QueryDeps,
  { chargeId, ...asked }: Pick<Asked, 'key' | 'minVersion'> & { readonly chargeId: string },
): Promise<{ readonly version: number; readonly charge: Charge }> =>
  ask(deps, { ...asked, asOf: null, knownAt: null }, async (connection, { shard, bookId, version }) => {
    const [found] = bookId === null ? [] : await chargesOf(connection, { shard, bookId }, [chargeId]);
    return found === undefined ? notFound('chg', chargeId) : { version, charge: found.charge };
  });
