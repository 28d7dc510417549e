import { advancesThen } from '../book/advance-history.ts';
import { stateAt } from '../book/state-at.ts';
import { isHistory, type BookView } from '../book/view.ts';
import { settleAll, type Connection } from '../db/database.ts';
import type { Advance, Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { chargesThen, grantsThen } from './live-then.ts';

/** All that settled and live consist of at the instant of a question, and perhaps some that count for nothing there. */
export type Standing = {
  readonly grants: readonly Grant[];
  readonly advances: readonly Advance[];
  readonly charges: readonly Charge[];
};

/** By running the open state forward, or from the journal and the facts for the past. */
export async function standingAt(connection: Connection, view: BookView): Promise<Standing> {
  if (view.bookId === null || !isHistory(view)) {
    const { grants, advances, charges } = await stateAt(connection, view);
    return {
      grants: [...grants.values()],
      advances: [...advances.values()],
      charges: [...charges.values()],
    };
  }
  const [grants, advances, charges] = await settleAll([
    grantsThen(connection, view),
    advancesThen(connection, view),
    chargesThen(connection, view),
  ]);
  return { grants, advances, charges };
}
