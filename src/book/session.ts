import type { BookState } from '../credit/book-state.ts';
import type { Decision } from '../credit/decide.ts';
import { stretchOf } from '../credit/grant.ts';
import type { Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import type { Appended, JournalHead } from '../ledger/journal.ts';
import type { StretchChange } from '../pending/index-writer.ts';
import type { OwnedReduction, StoredAdvance } from './advance-rows.ts';
import type { OwnedAllocation } from './allocation-rows.ts';
import type { BookKey } from './book-key.ts';
import type { StoredCharge } from './charge-rows.ts';
import type { ChargeEvent, OwnedCharge } from './store-charges.ts';
import { replacedTerms, type OwnedTerms } from './former-terms.ts';
import { stored, type StoredGrant } from './grant-rows.ts';
import { isDrawnOnly, type OwnedGrant } from './store-grants.ts';
import type { Remembered } from './remembered.ts';

export type WriteRow = {
  readonly version: number;
  readonly recordedAt: Instant;
  readonly method: string;
  readonly idempotencyKey: string | null;
};

/** Rows that are new in this batch, and rows of before that it changed: each once, as it stands at the end. */
export type Rows<Row> = { readonly made: Map<string, Row>; readonly changed: Map<string, Row> };

/**
 * One book within one batch: locked, loaded, and changed by the batch's commands one after the other in memory. Holds
 * what its commits will store; the only mutable thing of the write path, and it lives no longer than the batch.
 */
export type Session = Placed & {
  readonly key: BookKey;
  /** Where in the feed of its shard the writes of this batch stand. */
  readonly feedPosition: number;
  state: BookState;
  head: JournalHead;
  /** Each currency of the book with the version that brought it. */
  readonly currencies: Record<string, number>;
  /** What is known of the grants and charges of the state besides what the core needs. */
  readonly known: { readonly grants: Map<string, StoredGrant>; readonly charges: Map<string, StoredCharge> };
  readonly remembered: Map<string, Remembered>;
  /** The keys used in this batch. */
  readonly keys: { readonly key: string; readonly remembered: Remembered }[];
  readonly writes: WriteRow[];
  readonly appended: Appended[];
  readonly stretches: StretchChange[];
  readonly grants: Rows<OwnedGrant>;
  readonly formerTerms: OwnedTerms[];
  readonly charges: Rows<OwnedCharge>;
  readonly chargeEvents: ChargeEvent[];
  readonly advances: Rows<StoredAdvance>;
  readonly reductions: OwnedReduction[];
  readonly allocations: Rows<OwnedAllocation>;
};

const noRows = <Row>(): Rows<Row> => ({ made: new Map(), changed: new Map() });

export const openSession = (
  loaded: Pick<
    Session,
    'key' | 'shard' | 'bookId' | 'feedPosition' | 'state' | 'head' | 'currencies' | 'known' | 'remembered'
  >,
): Session => ({
  ...loaded,
  keys: [],
  writes: [],
  appended: [],
  stretches: [],
  formerTerms: [],
  chargeEvents: [],
  reductions: [],
  grants: noRows(),
  charges: noRows(),
  advances: noRows(),
  allocations: noRows(),
});

/** Takes a decision that changed something into the session: the new state, and the rows it adds to the store. */
export function record(session: Session, decision: Decision, appended: Appended, recordedAt: Instant): void {
  const { state: after, answer, reductions } = decision;
  const { shard, bookId } = session;
  session.appended.push(appended);
  session.head = appended.head;
  if (answer.currency !== null) session.currencies[answer.currency] ??= after.version;
  recordGrants(session, after, recordedAt);
  recordCharges(session, after, 'bookedAt' in answer ? answer.bookedAt : recordedAt);
  diff(session.state.advances, after.advances, session.advances, (advance) => ({
    shard,
    bookId,
    advance,
    closedVersion: advance.uncovered === 0n ? after.version : null,
  }));
  diff(session.state.allocations, after.allocations, session.allocations, (allocation) => ({
    shard,
    bookId,
    allocation,
  }));
  session.reductions.push(...reductions.map((reduction) => ({ shard, bookId, reduction })));
  session.state = after;
}

/** Adds to `rows` what is new or different in `after`; facts are replaced, never changed in place. */
function diff<Fact, Row>(
  before: ReadonlyMap<string, Fact>,
  after: ReadonlyMap<string, Fact>,
  rows: Rows<Row>,
  rowOf: (fact: Fact, key: string) => Row,
): void {
  for (const [key, fact] of after) {
    if (before.get(key) === fact) continue;
    const made = rows.made.has(key) || !before.has(key);
    (made ? rows.made : rows.changed).set(key, rowOf(fact, key));
  }
}

function recordGrants(session: Session, after: BookState, recordedAt: Instant): void {
  const { key, shard, bookId, state: before, known } = session;
  diff(before.grants, after.grants, session.grants, (grant, id) => {
    const was = before.grants.get(id) ?? null;
    const now = stored(known.grants.get(id), grant, after.version);
    known.grants.set(id, now);
    session.stretches.push({
      ...key,
      shard,
      bookId,
      grantId: id,
      version: after.version,
      before: was === null ? null : stretchOf(was),
      after: stretchOf(grant),
    });
    const former = was === null ? null : replacedTerms(was, grant, after.version, recordedAt);
    if (former !== null) session.formerTerms.push({ shard, bookId, former });
    const drawnOnly =
      was !== null && isDrawnOnly(was, grant) && (session.grants.changed.get(id)?.drawnOnly ?? true);
    return { shard, bookId, stored: now, drawnOnly };
  });
}

function recordCharges(session: Session, after: BookState, bookedAt: Instant): void {
  const { shard, bookId, state: before, known } = session;
  diff(before.charges, after.charges, session.charges, (charge, id) => {
    const was = before.charges.get(id);
    const closedVersion =
      charge.status === 'OPEN' ? null : (known.charges.get(id)?.closedVersion ?? after.version);
    known.charges.set(id, { charge, closedVersion });
    // One that was never open never weighs on live: its history is in its allocations.
    if (charge.status === 'OPEN' || was?.status === 'OPEN') {
      const collected = charge.collected - (was?.collected ?? 0n);
      const event = { chargeId: id, version: after.version, amount: charge.amount, collected, bookedAt };
      session.chargeEvents.push({ shard, bookId, ...event });
    }
    return { shard, bookId, stored: { charge, closedVersion } };
  });
}
