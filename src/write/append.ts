import type { Outcome } from '../credit/book-state.ts';
import type { UuidMaker } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Salt } from '../ledger/hash.ts';
import { append, type Appended } from '../ledger/journal.ts';
import type { Session } from './session.ts';

/** What a decision would add to the book's journal; nothing is added yet. */
export function appendTo(
  session: Pick<Session, 'state' | 'head'>,
  { state, postings }: Outcome,
  write: { readonly recordedAt: Instant; readonly salt: Salt },
  uuids: UuidMaker,
): Appended {
  const remaining = (grantId: string) => session.state.grants.get(grantId)?.remaining ?? 0n;
  return append(session.head, postings, { version: state.version, ...write }, remaining, uuids);
}
