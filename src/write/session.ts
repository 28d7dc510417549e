import type { WritableBook } from '../book/open-book.ts';
import type { BookState, Reduction } from '../credit/book-state.ts';
import type { Allocation } from '../credit/charge.ts';
import type { Decision } from '../credit/decide.ts';
import { promiseOf } from '../credit/grant.ts';
import type { Placed } from '../db/placement.ts';
import type { Owned } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import type { Appended, JournalHead } from '../ledger/journal.ts';
import type { Write } from '../ledger/writes.ts';
import type { PromiseChange } from '../pending/scheduled-grants.ts';
import type { OwnedAdvance } from '../tables/advances.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { ChargeEvent, StoredCharge } from '../tables/charges.ts';
import { replacedTerms, type FormerTerms } from '../tables/former-terms.ts';
import { isDrawnOnly, stored, TERMS, type OwnedGrant, type StoredGrant } from '../tables/grants.ts';
import {
  chargeFact,
  closingFact,
  eventFact,
  grantFact,
  termsFact,
  voidFact,
  writeLink,
  type Fact,
} from '../book/facts.ts';
import type { Remembered, UsedKey } from '../tables/remembered.ts';

/** A write as it is recorded: its link follows from what it does. */
export type Recorded = Omit<Write, 'hash'>;

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
  /** What was open before the batch. */
  readonly open: WritableBook;
  /** The state as it was loaded for the batch: with what is not open, and what lies in the past, where a command needs it. */
  readonly loaded: BookState;
  state: BookState;
  head: JournalHead;
  /** Each currency of the book with the version that brought it. */
  readonly currencies: Record<string, number>;
  /** The grants and charges that were named or changed, with what the core need not know; of the others `open` tells. */
  readonly known: { readonly grants: Map<string, StoredGrant>; readonly charges: Map<string, StoredCharge> };
  readonly remembered: Map<string, Remembered>;
  /** The keys used in this batch that no write tells of. */
  readonly keys: UsedKey[];
  readonly writes: Write[];
  readonly appended: Appended[];
  readonly promises: PromiseChange[];
  readonly grants: Rows<OwnedGrant>;
  readonly formerTerms: Owned<FormerTerms>[];
  readonly charges: Rows<Owned<StoredCharge>>;
  readonly chargeEvents: Owned<ChargeEvent>[];
  readonly advances: Rows<OwnedAdvance>;
  readonly reductions: Owned<Reduction>[];
  readonly allocations: Rows<Owned<Allocation>>;
};

const noRows = <Row>(): Rows<Row> => ({ made: new Map(), changed: new Map() });

export const openSession = (
  loaded: Pick<
    Session,
    | 'key'
    | 'shard'
    | 'bookId'
    | 'feedPosition'
    | 'open'
    | 'loaded'
    | 'head'
    | 'currencies'
    | 'known'
    | 'remembered'
  >,
): Session => ({
  ...loaded,
  state: loaded.loaded,
  keys: [],
  writes: [],
  appended: [],
  promises: [],
  formerTerms: [],
  chargeEvents: [],
  reductions: [],
  grants: noRows(),
  charges: noRows(),
  advances: noRows(),
  allocations: noRows(),
});

/**
 * Takes a decision that changed something into the session: the new state, the rows it adds to the store, and the link
 * it adds to the book's hash chain.
 */
export function record(session: Session, decision: Decision, appended: Appended, write: Recorded): void {
  const { state: after, answer, reductions } = decision;
  const { shard, bookId } = session;
  const { recordedAt } = write;
  const facts: Fact[] = [];
  session.appended.push(appended);
  if (answer.currency !== null) session.currencies[answer.currency] ??= after.version;
  recordGrants(session, after, write, facts);
  recordCharges(session, after, 'bookedAt' in answer ? answer.bookedAt : recordedAt, write, facts);
  const before = session.state;
  collect(after.advances.changedSince(before.advances), before.advances, session.advances, (advance) => ({
    shard,
    bookId,
    fact: advance,
    closedVersion: advance.uncovered === 0n ? after.version : null,
  }));
  const slices = after.allocations.changedSince(before.allocations);
  collect(slices, before.allocations, session.allocations, (fact) => ({ shard, bookId, fact }));
  session.reductions.push(...reductions.map((fact) => ({ shard, bookId, fact })));
  session.state = after;
  const { feedPosition } = session;
  const hash = writeLink(appended.head.hash, session, { ...write, feedPosition, facts });
  session.head = { ...appended.head, hash };
  session.writes.push({ ...write, hash });
}

/** Adds to `rows` what is new or different since `before`. */
function collect<One, Row>(
  changed: Iterable<readonly [string, One]>,
  before: { has(key: string): boolean },
  rows: Rows<Row>,
  rowOf: (fact: One, key: string) => Row,
): void {
  for (const [key, fact] of changed) {
    const made = rows.made.has(key) || !before.has(key);
    (made ? rows.made : rows.changed).set(key, rowOf(fact, key));
  }
}

type Recording = Pick<Write, 'recordedAt' | 'salt'>;

function recordGrants(
  session: Session,
  after: BookState,
  { recordedAt, salt }: Recording,
  facts: Fact[],
): void {
  const { key, shard, bookId, state: before } = session;
  collect(after.grants.changedSince(before.grants), before.grants, session.grants, (grant, id) => {
    const was = before.grants.get(id) ?? null;
    const known = session.known.grants.get(id) ?? session.open.stored.get(id);
    const now = stored(known, grant, after.version);
    session.known.grants.set(id, now);
    session.promises.push({
      ...key,
      shard,
      bookId,
      grantId: id,
      version: after.version,
      before: was === null ? null : promiseOf(was),
      after: promiseOf(grant),
    });
    const former = was === null ? null : replacedTerms(was, grant, after.version, recordedAt);
    if (former !== null) session.formerTerms.push({ shard, bookId, fact: former });
    if (was === null) facts.push(grantFact(salt, grant));
    if (was === null || former !== null) facts.push(termsFact(id, recordedAt, TERMS.pick(grant)));
    if (now.voidedVersion === after.version) facts.push(voidFact(salt, grant));
    const drawnOnly =
      known !== undefined && isDrawnOnly(known, now) && (session.grants.changed.get(id)?.drawnOnly ?? true);
    return { shard, bookId, fact: now, drawnOnly };
  });
}

function recordCharges(
  session: Session,
  after: BookState,
  bookedAt: Instant,
  { salt }: Recording,
  facts: Fact[],
): void {
  const { shard, bookId, state: before, known } = session;
  collect(after.charges.changedSince(before.charges), before.charges, session.charges, (charge, id) => {
    const was = before.charges.get(id);
    const closedVersion =
      charge.status === 'OPEN' ? null : (known.charges.get(id)?.closedVersion ?? after.version);
    known.charges.set(id, { charge, closedVersion });
    if (was === undefined) facts.push(chargeFact(salt, charge, charge.status === 'OPEN'));
    if (closedVersion === after.version) facts.push(closingFact(charge));
    // One that was never open never weighs on live: its history is in its allocations.
    if (charge.status === 'OPEN' || was?.status === 'OPEN') {
      const collected = charge.collected - (was?.collected ?? 0n);
      const { amount, sequence } = charge;
      const event = { chargeId: id, version: after.version, amount, collected, bookedAt, sequence };
      session.chargeEvents.push({ shard, bookId, fact: event });
      facts.push(eventFact(event));
    }
    return { shard, bookId, fact: { charge, closedVersion } };
  });
}

/** What is open in the book now: the same a later load would find. */
export function openAfter({ open, loaded, state, known, head }: Session): WritableBook {
  let { grants, charges, advances, stored: rows } = open;
  for (const [id] of state.grants.changedSince(loaded.grants)) {
    const own = withoutPast(known.grants.get(id)!);
    const isOpen = own.closedVersion === null;
    grants = isOpen ? grants.with(own.grant) : grants.without(id);
    rows = isOpen ? rows.with(id, own) : rows.without(id);
  }
  for (const [id, charge] of state.charges.changedSince(loaded.charges)) {
    charges = charge.status === 'OPEN' ? charges.with(charge) : charges.without(id);
  }
  for (const [key, advance] of state.advances.changedSince(loaded.advances)) {
    advances = advance.uncovered > 0n ? advances.with(advance) : advances.without(key);
  }
  return { grants, charges, advances, stored: rows, subAccounts: head.subAccounts };
}

const withoutPast = (own: StoredGrant): StoredGrant =>
  own.grant.moves.length === 0 && own.grant.formerTimes.length === 0
    ? own
    : { ...own, grant: { ...own.grant, moves: [], formerTimes: [] } };
