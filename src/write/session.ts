import type { Actor } from '../actor.ts';
import type { FoundMaker } from '../book/makers.ts';
import type { WritableBook } from '../book/open-book.ts';
import type { BookState } from '../credit/book-state.ts';
import type { Decision } from '../credit/decide.ts';
import { promiseOf } from '../credit/grant.ts';
import type { Placed } from '../db/placement.ts';
import type { Instant } from '../instant.ts';
import type { Appended, JournalHead } from '../ledger/journal.ts';
import type { Salt } from '../ledger/hash.ts';
import type { Write } from '../ledger/writes.ts';
import type { SplitsKept } from '../tables/allocations.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { StoredCharge } from '../tables/charges.ts';
import { replacedTerms } from '../tables/former-terms.ts';
import { isDrawnOnly, stored, TERMS, type StoredGrant } from '../tables/grants.ts';
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
import { putRow, rowIn, type BatchRows } from './batch-rows.ts';
import { keptSplits } from './kept-splits.ts';

/** A write as it is recorded: its link follows from what it does. */
export type Recorded = Omit<Write, 'hash'>;

/**
 * One book within one batch: locked, loaded, and changed by the batch's commands one after the other in memory. It and the
 * rows of its batch, which its commits will store, are the only mutable things of the write path, and live no longer than
 * the batch.
 */
export type Session = Placed & {
  readonly key: BookKey;
  /** `bookKeyText` of the key. */
  readonly name: string;
  /** Of the book, as its hash chain says it. */
  readonly uuid: string;
  /** Where in the feed of its shard the writes of this batch stand. */
  readonly feedPosition: number;
  /** What was open before the batch. */
  readonly open: WritableBook;
  /** The state as it was loaded for the batch: with what is not open, and what lies in the past, where a command needs it. */
  readonly loaded: BookState;
  state: BookState;
  head: JournalHead;
  /** Each currency of the book with the version that brought it. */
  currencies: Readonly<Record<string, number>>;
  /** The grants and charges that were named, with what the core need not know; of the others `open` tells. */
  readonly named: {
    readonly grants: ReadonlyMap<string, StoredGrant>;
    readonly charges: ReadonlyMap<string, StoredCharge>;
    readonly makers: ReadonlyMap<string, FoundMaker>;
  };
  /** The successes of before under keys that the batch uses. */
  readonly remembered: ReadonlyMap<string, Remembered>;
  /** Up to which version every split has a row; known where revenue is recognized. */
  splitsKept: SplitsKept;
  readonly writes: Write[];
  readonly appended: Appended[];
  readonly rows: BatchRows;
};

export const openSession = (loaded: Omit<Session, 'state' | 'writes' | 'appended'>): Session => ({
  ...loaded,
  state: loaded.loaded,
  writes: [],
  appended: [],
});

/** What something of a book is called among the rows of a batch. */
const nameIn = ({ name }: Session, key: string): string => `${name}\0${key}`;

/** The success under a key, of before or of this batch. */
export const rememberedIn = (session: Session, key: string): Remembered | undefined =>
  session.remembered.get(key) ?? session.rows.remembered.get(nameIn(session, key));

/** Remembers a success under its key; `untold`: what it is stored with, where no write tells of it. */
export function remember(
  session: Session,
  key: string,
  remembered: Remembered,
  untold: Pick<UsedKey, 'recordedAt' | 'hash'> | null,
): void {
  const { shard, bookId, rows } = session;
  rows.remembered.set(nameIn(session, key), remembered);
  if (untold !== null) rows.keys.push({ shard, bookId, fact: { key, remembered, ...untold } });
}

/** A grant of the book as it is to be stored; undefined where this batch has made it just now. */
const grantIn = (session: Session, id: string): StoredGrant | undefined =>
  rowIn(session.rows.grants, nameIn(session, id))?.fact ??
  session.named.grants.get(id) ??
  session.open.stored.get(id);

/** Who made a grant or charge: of those that are neither named nor of this batch whoever makes the next write. */
export function makerOf(session: Session, id: string, actor: Actor): Actor | null {
  const loaded = session.named.makers.get(id);
  if (loaded !== undefined) return loaded.actor;
  const { rows, writes } = session;
  const name = nameIn(session, id);
  const version = rowIn(rows.grants, name)?.fact.version ?? rowIn(rows.charges, name)?.fact.charge.version;
  return writes.find((write) => write.version === version)?.actor ?? actor;
}

/**
 * Takes a decision that changed something into the session: the new state, the rows it adds to the store, and the link
 * it adds to the book's hash chain.
 */
export function record(
  session: Session,
  { state: after, answer, reductions }: Decision,
  appended: Appended,
  write: Recorded,
): void {
  const { shard, bookId, feedPosition, state: before, rows } = session;
  const { version, recordedAt, salt } = write;
  const facts: Fact[] = [];
  session.appended.push(appended);
  const { currency } = answer;
  if (currency !== null && !Object.hasOwn(session.currencies, currency))
    session.currencies = { ...session.currencies, [currency]: version };
  recordGrants(session, after, { recordedAt, salt }, facts);
  recordCharges(session, after, 'bookedAt' in answer ? answer.bookedAt : recordedAt, salt, facts);
  for (const [key, fact] of after.advances.changedSince(before.advances)) {
    const closedVersion = fact.uncovered === 0n ? version : null;
    const row = { shard, bookId, fact, closedVersion };
    putRow(rows.advances, nameIn(session, key), !before.advances.has(key), row);
  }
  const { splits, kept } = keptSplits(before, after, session.splitsKept);
  for (const [key, fact] of splits) rows.allocations.set(nameIn(session, key), { shard, bookId, fact });
  if (kept !== session.splitsKept) rows.splitsKept.set(session.name, { shard, bookId, fact: kept });
  session.splitsKept = kept;
  for (const fact of reductions) rows.reductions.push({ shard, bookId, fact });
  session.state = after;
  const hash = writeLink(appended.head.hash, session, { ...write, feedPosition, facts });
  session.head = { hash, subAccounts: appended.head.subAccounts };
  session.writes.push({ ...write, hash });
}

function recordGrants(
  session: Session,
  after: BookState,
  { recordedAt, salt }: Pick<Write, 'recordedAt' | 'salt'>,
  facts: Fact[],
): void {
  const { shard, bookId, state: before, rows } = session;
  const { version } = after;
  for (const [id, grant] of after.grants.changedSince(before.grants)) {
    const name = nameIn(session, id);
    const was = before.grants.get(id) ?? null;
    const known = grantIn(session, id);
    const now = stored(known, grant, version);
    const isDrawn = known !== undefined && isDrawnOnly(known, now);
    const drawnOnly = isDrawn && (rows.grants.changed.get(name)?.drawnOnly ?? true);
    putRow(rows.grants, name, was === null, { shard, bookId, fact: now, drawnOnly });
    // What was promised and agreed stands.
    if (isDrawn) continue;
    rows.promises.push({
      ...session.key,
      shard,
      bookId,
      grantId: id,
      version,
      before: was === null ? null : promiseOf(was),
      after: promiseOf(grant),
    });
    const former = was === null ? null : replacedTerms(was, grant, version, recordedAt);
    if (former !== null) rows.formerTerms.push({ shard, bookId, fact: former });
    if (was === null) facts.push(grantFact(salt, grant));
    if (was === null || former !== null) facts.push(termsFact(id, recordedAt, TERMS.pick(grant)));
    if (now.voidedVersion === version) facts.push(voidFact(salt, grant));
  }
}

function recordCharges(
  session: Session,
  after: BookState,
  bookedAt: Instant,
  salt: Salt,
  facts: Fact[],
): void {
  const { shard, bookId, state: before, named, rows } = session;
  const { version } = after;
  for (const [id, charge] of after.charges.changedSince(before.charges)) {
    const name = nameIn(session, id);
    const was = before.charges.get(id);
    const known = rowIn(rows.charges, name)?.fact ?? named.charges.get(id);
    const closedVersion = charge.status === 'OPEN' ? null : (known?.closedVersion ?? version);
    putRow(rows.charges, name, was === undefined, { shard, bookId, fact: { charge, closedVersion } });
    if (was === undefined) facts.push(chargeFact(salt, charge, charge.status === 'OPEN'));
    if (closedVersion === version) facts.push(closingFact(charge));
    // One that was never open never weighs on live: its history is in its allocations.
    if (charge.status === 'OPEN' || was?.status === 'OPEN') {
      const collected = charge.collected - (was?.collected ?? 0n);
      const { amount, sequence } = charge;
      const event = { chargeId: id, version, amount, collected, bookedAt, sequence };
      rows.chargeEvents.push({ shard, bookId, fact: event });
      facts.push(eventFact(event));
    }
  }
}

/** Whether a write of this batch called a grant off or forfeited it. */
export const voidsAt = (session: Session, version: number): boolean =>
  session.state.grants
    .changedSince(session.loaded.grants)
    .some(([id]) => grantIn(session, id)!.voidedVersion === version);

/** What is open in the book now: the same a later load would find. */
export function openAfter(session: Session): WritableBook {
  const { open, loaded, state, head } = session;
  let { grants, charges, advances, stored: rows } = open;
  for (const [id] of state.grants.changedSince(loaded.grants)) {
    const own = withoutPast(grantIn(session, id)!);
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
