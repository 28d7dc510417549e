import type { Advance, Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { advancesAsKnown } from './advance-history.ts';
import { grantsAsKnown } from './as-known.ts';
import { chargesAsKnown } from './charge-history.ts';
import type { StoredGrant } from '../tables/grants.ts';
import { advancesOpenThen, chargesOpenThen, grantsOpenThen } from './open-then.ts';
import { atClock, type WrittenView } from './view.ts';

/** What a state is put together from. */
export type Parts = {
  readonly grants: readonly Grant[];
  readonly advances: readonly Advance[];
  readonly charges: readonly Charge[];
};

/** The state a book had at an earlier version, by what was known at it; `named` grants are included, open or not. */
export async function rebuild(
  connection: Connection,
  view: WrittenView,
  named: readonly StoredGrant[],
): Promise<Parts> {
  const point = atClock(view);
  const [openThen, advancesThen, chargesThen] = await settleAll([
    grantsOpenThen(connection, point),
    advancesOpenThen(connection, point),
    chargesOpenThen(connection, point),
  ]);
  const [grants, advances, charges] = await settleAll([
    grantsAsKnown(connection, point, [...named, ...openThen]),
    advancesAsKnown(connection, point, advancesThen),
    chargesAsKnown(connection, point, chargesThen),
  ]);
  return { grants, advances, charges };
}
