import type { Amount } from '../amount.ts';
import { grantAsKnown, totalsOf } from '../book/as-known.ts';
import { chargesAsKnown } from '../book/charge-history.ts';
import { formerTermsOf } from '../tables/former-terms.ts';
import { grantsOf } from '../tables/grants.ts';
import { chargesOpenThen, grantsOpenThen } from '../book/open-then.ts';
import type { WrittenView } from '../book/view.ts';
import { settleAll, type Connection } from '../db/database.ts';
import type { JournalPoint } from '../ledger/as-of.ts';
import { grantTotals, lateGrants } from '../ledger/grant-totals.ts';
import type { Scope } from '../scope.ts';
import type { Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { totalWeight, weights } from '../credit/live.ts';

/**
 * What the charges that were open at an instant of the past take from live there: the same allocator as for now, over
 * the charges and grants as they stood then. Reads grants only where a charge was open at all.
 */
export async function weightThen(
  connection: Connection,
  view: WrittenView,
): Promise<(currency: string, scope: Scope) => Amount> {
  const charges = await chargesThen(connection, view);
  if (charges.length === 0) return () => 0n;
  const grants = await grantsThen(connection, view);
  return (currency, scope) => totalWeight(weights(grants, charges, { currency, scope, at: view.asOf }));
}

/** The charges that were open at the point, with the totals and collections that count there. */
export async function chargesThen(connection: Connection, point: JournalPoint): Promise<readonly Charge[]> {
  const open = await chargesOpenThen(connection, { ...point, version: point.recordedBy });
  return chargesAsKnown(connection, point, open);
}

/** The grants with something remaining at the point: those open then, and those that late facts made so. */
export async function grantsThen(connection: Connection, view: WrittenView): Promise<readonly Grant[]> {
  const { recordedBy, version } = view;
  const [open, late] = await settleAll([
    grantsOpenThen(connection, { ...view, version: recordedBy }),
    lateGrants(connection, view),
  ]);
  const named = await grantsOf(connection, view, late);
  const stored = new Map([...open, ...named].map((own) => [own.grant.id, own]));
  const ids = [...stored.keys()];
  const [totals, terms] = await settleAll([
    grantTotals(connection, view, ids),
    formerTermsOf(connection, view, ids),
  ]);
  return [...stored.values()]
    .filter((own) => own.version <= version)
    .map((own) => ({
      ...grantAsKnown(own, view, totals, terms),
      remaining: totalsOf(totals, own.grant.id).remaining,
    }));
}
