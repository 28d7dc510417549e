import { grantsAsKnown, totalsOf } from '../book/as-known.ts';
import { stateAt } from '../book/state-at.ts';
import type { StoredGrant } from '../tables/grants.ts';
import { atClock, isHistory, type BookView } from '../book/view.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { grantTotals } from '../ledger/grant-totals.ts';
import { viewNow, viewThen, type GrantView } from '../credit/grant-view.ts';

/** How stored grants stand at the moment asked about: from the journal for the past, by running forward for the rest. */
export async function viewsOf(
  connection: Connection,
  view: BookView,
  known: readonly StoredGrant[],
): Promise<readonly GrantView[]> {
  if (known.length === 0 || view.bookId === null) return [];
  if (!isHistory(view)) {
    // Where nothing falls due the rows are the state, and what else the book holds is of no account.
    if (view.nextDueAt !== null && view.nextDueAt > view.asOf) {
      return known.map(({ grant }) => viewNow(grant, view.asOf));
    }
    const state = await stateAt(connection, view, known);
    return known.map(({ grant }) => viewNow(state.grants.get(grant.id)!, view.asOf));
  }
  const ids = known.map(({ grant }) => grant.id);
  // What is known of it at the version's own clock decides whether and when it was booked or voided.
  const [latest, then] = await awaitAll([
    grantsAsKnown(connection, atClock(view), known),
    grantTotals(connection, view, ids),
  ]);
  return latest.map((grant) => viewThen(grant, view.asOf, totalsOf(then, grant.id)));
}
