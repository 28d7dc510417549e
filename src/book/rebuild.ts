import type { Advance, Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { grantTotals } from '../ledger/grant-totals.ts';
import { advancesAsKnown } from './advance-history.ts';
import { grantAsKnown } from './as-known.ts';
import { chargesAsKnown } from './charge-history.ts';
import { formerTermsOf } from '../tables/former-terms.ts';
import type { StoredGrant } from '../tables/grants.ts';
import { advancesOpenThen, chargesOpenThen, grantsOpenThen } from './open-then.ts';
import type { WrittenView } from './view.ts';

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
  const { shard, bookId, version, clock } = view;
  const point = { shard, bookId, version, asOf: clock, recordedBy: version };
  const [openThen, advancesThen, chargesThen] = await settleAll([
    grantsOpenThen(connection, point),
    advancesOpenThen(connection, point),
    chargesOpenThen(connection, point),
  ]);
  const grants = [...named, ...openThen];
  const ids = grants.map(({ grant }) => grant.id);
  const [totals, terms, advances, charges] = await settleAll([
    grantTotals(connection, point, ids),
    formerTermsOf(connection, point, ids),
    advancesAsKnown(connection, point, advancesThen),
    chargesAsKnown(connection, point, chargesThen),
  ]);
  return {
    grants: grants.map((own) => grantAsKnown(own, view, totals, terms)),
    advances,
    charges,
  };
}
