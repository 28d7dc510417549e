import type { BookState } from '../credit/book-state.ts';
import { advanceKey, type Allocation } from '../credit/charge.ts';
import { stretchOf } from '../credit/grant.ts';
import type { Decision } from '../credit/decide.ts';
import type { Instant } from '../instant.ts';
import { append, type Appended, type JournalHead } from '../ledger/journal.ts';
import type { StretchChange } from '../pending/index-writer.ts';
import type { BookKey } from './book-key.ts';
import type { RememberedWrite } from './remembered.ts';
import { stored, type StoredGrant } from './grant-rows.ts';
import type { MadeAllocation, MadeCharge, StoredAdvance } from './charge-rows.ts';

export type WriteRow = {
  readonly version: number;
  readonly recordedAt: Instant;
  readonly method: string;
  readonly idempotencyKey: string | null;
  readonly request: Uint8Array | null;
  readonly answer: Uint8Array | null;
};

/**
 * One book within one batch: locked, loaded, and changed by the batch's commands one after the other in memory. Holds
 * what its commits will store; the only mutable thing of the write path, and it lives no longer than the batch.
 */
export type Session = {
  readonly key: BookKey;
  readonly id: string;
  state: BookState;
  head: JournalHead;
  /** Each currency of the book with the version that brought it. */
  readonly currencies: Record<string, number>;
  readonly grants: Map<string, StoredGrant>;
  readonly remembered: Map<string, RememberedWrite>;
  readonly writes: WriteRow[];
  readonly appended: Appended[];
  readonly stretches: StretchChange[];
  readonly madeGrants: Set<string>;
  readonly changedGrants: Set<string>;
  readonly charges: MadeCharge[];
  readonly madeAdvances: Map<string, StoredAdvance>;
  readonly changedAdvances: Map<string, StoredAdvance>;
  readonly allocations: MadeAllocation[];
};

export const openSession = (
  loaded: Pick<Session, 'key' | 'id' | 'state' | 'head' | 'currencies' | 'grants' | 'remembered'>,
): Session => ({
  ...loaded,
  writes: [],
  appended: [],
  stretches: [],
  madeGrants: new Set(),
  changedGrants: new Set(),
  charges: [],
  madeAdvances: new Map(),
  changedAdvances: new Map(),
  allocations: [],
});

/** Takes a decision that changed something into the session: the new state, and the rows it adds to the store. */
export function record(session: Session, decision: Decision, recordedAt: Instant): void {
  const before = session.state;
  const { state, postings, allocations, answer } = decision;
  const { version } = state;
  const remaining = (grantId: string) => before.grants.get(grantId)?.remaining ?? 0n;
  const appended = append(session.head, postings, { version, recordedAt }, remaining);
  session.appended.push(appended);
  session.head = appended.head;
  session.currencies[answer.currency] ??= version;
  recordGrants(session, state);
  recordCharges(session, state, allocations);
  session.state = state;
}

function recordGrants(session: Session, after: BookState): void {
  const { key, id: bookId, state: before } = session;
  for (const [id, grant] of after.grants) {
    const was = before.grants.get(id);
    if (was === grant) continue;
    session.grants.set(id, stored(session.grants.get(id), grant, after.version));
    if (was === undefined) session.madeGrants.add(id);
    else if (!session.madeGrants.has(id)) session.changedGrants.add(id);
    session.stretches.push({
      ...{ ...key, bookId, grantId: id, version: after.version },
      before: was === undefined ? null : stretchOf(was),
      after: stretchOf(grant),
    });
  }
}

function recordCharges(session: Session, after: BookState, allocations: readonly Allocation[]): void {
  const { id: bookId, state: before } = session;
  const { version } = after;
  for (const [id, charge] of after.charges) {
    if (before.charges.get(id) !== charge) session.charges.push({ bookId, charge, version });
  }
  for (const [key, advance] of after.advances) {
    if (before.advances.get(key) === advance) continue;
    const row: StoredAdvance = { bookId, advance, closedVersion: advance.uncovered === 0n ? version : null };
    const made = session.madeAdvances.has(advanceKey(advance)) || !before.advances.has(key);
    (made ? session.madeAdvances : session.changedAdvances).set(key, row);
  }
  session.allocations.push(
    ...allocations.map((allocation, index) => ({ bookId, allocation, version, position: index + 1 })),
  );
}
