import type { Amount } from '../amount.ts';
import { advancesThen } from '../book/advance-history.ts';
import { grantsAsKnown } from '../book/as-known.ts';
import { chargesAsKnown } from '../book/charge-history.ts';
import { chargesOpenThen, grantsOpenThen } from '../book/open-then.ts';
import { stateAt, type Parts } from '../book/state-at.ts';
import { isHistory, type BookView, type WrittenView } from '../book/view.ts';
import type { Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { totalWeight, weights } from '../credit/live.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import type { JournalPoint } from '../ledger/as-of.ts';
import { lateGrants } from '../ledger/grant-totals.ts';
import type { Scope } from '../scope.ts';
import { grantsOf } from '../tables/grants.ts';

/**
 * All that settled and live consist of at the instant of a question, and perhaps some that count for nothing there: by
 * running the open state forward, or from the journal and the facts for the past.
 */
export async function standingAt(connection: Connection, view: BookView): Promise<Parts> {
  if (view.bookId === null || !isHistory(view)) {
    const { grants, advances, charges } = await stateAt(connection, view);
    return { grants: grants.values(), advances: advances.values(), charges: charges.values() };
  }
  const [grants, advances, charges] = await awaitAll([
    grantsThen(connection, view),
    advancesThen(connection, view),
    chargesThen(connection, view),
  ]);
  return { grants, advances, charges };
}

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
async function chargesThen(connection: Connection, point: JournalPoint): Promise<readonly Charge[]> {
  const open = await chargesOpenThen(connection, { ...point, version: point.recordedBy });
  return chargesAsKnown(connection, point, open);
}

/** The grants with something remaining at the point: those open then, and those that late facts made so. */
async function grantsThen(connection: Connection, view: WrittenView): Promise<readonly Grant[]> {
  const [open, late] = await awaitAll([
    grantsOpenThen(connection, { ...view, version: view.recordedBy }),
    lateGrants(connection, view),
  ]);
  const named = await grantsOf(connection, view, late);
  const stored = new Map([...open, ...named].map((own) => [own.grant.id, own]));
  return grantsAsKnown(connection, view, [...stored.values()]);
}
