import type { Asked } from '../book/questions.ts';
import type { WrittenView } from '../book/view.ts';
import type { Connection } from '../db/database.ts';
import { ALWAYS, NEVER, type Instant } from '../instant.ts';
import { boundsOf } from '../ledger/journal-bounds.ts';
import type { JournalRange } from '../ledger/journal-pages.ts';
import type { JournalCursor } from '../ledger/journal-walks.ts';
import { collectingVersions } from '../tables/charges.ts';

/** The raw journal of a book, as recorded: what has fallen due and nobody has written yet is not in it. */

export type JournalQuestion = Asked & {
  readonly after: JournalCursor;
  readonly limit: number;
  /** Inclusive; ALWAYS: from the beginning. */
  readonly bookedFrom: Instant;
  /** Exclusive; NEVER: to the end. */
  readonly bookedTo: Instant;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** The caller or the actor it named; null: any. */
  readonly actor: string | null;
};

export const EMPTY = { rows: [], next: null };

/** The part of the journal that can hold what is asked for; null: none can. `pins` are versions it must be of. */
export async function rangeOf(
  connection: Connection,
  view: WrittenView,
  question: JournalQuestion,
  pins: readonly (number | null)[],
): Promise<JournalRange | null> {
  const { after, limit, bookedFrom, bookedTo, grantId, chargeId, actor } = question;
  const { shard, bookId } = view;
  const whole = bookedFrom === ALWAYS && bookedTo === NEVER;
  const bounds = whole
    ? { after: 0, until: view.version }
    : await boundsOf(connection, view, bookedFrom, bookedTo);
  const first = Math.max(bounds.after + 1, ...pins.map((version) => version ?? NEVER));
  const last = Math.min(bounds.until, ...pins.map((version) => version ?? 0));
  if (first > last) return null;
  const from = first > after.version ? { version: first, position: 0 } : after;
  const collectedIn = chargeId === null ? [] : await collectingVersions(connection, view, chargeId);
  const filter = { bookedFrom, bookedTo, grantId, chargeId, collectedIn, actor };
  return { shard, bookId, after: from, version: last, limit, ...filter };
}
