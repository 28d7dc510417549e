import type { Instant } from '../instant.ts';
import type { Posted } from '../ledger/manual-rules.ts';
import type { Posting } from '../ledger/posting.ts';
import { PersistentMap } from '../persistent-map.ts';
import { allocationKey, type Advance, type Allocation, type Charge, type EntryRef } from './charge.ts';
import type { Grant } from './grant.ts';
import { advancesOf, chargesOf, grantsOf, type Advances, type Charges, type Grants } from './pools.ts';

/** The facts of a book: collections that are never changed themselves. */
type Facts = {
  grants: Grants;
  /** By `advanceKey`: those with something uncovered. */
  advances: Advances;
  /** The open ones, and those the command names. */
  charges: Charges;
  /** By `allocationKey`: those of the charges the command names, or that revenue is to be recognized for. */
  allocations: PersistentMap<Allocation>;
  /** The transactions the command names. */
  posted: PersistentMap<Posted>;
};

/**
 * The open state of one customer's book: all that can still change by itself or be drawn on, and whatever closed
 * grants and charges the command at hand names. Plain data; the journal behind it is not needed to decide.
 */
export type BookState = {
  /** Committed writes so far. */
  readonly version: number;
  /** Everything due up to and including this instant has been booked. */
  readonly clock: Instant;
  /** The moves of every grant are complete for instants after this one. */
  readonly historyFrom: Instant;
} & Readonly<Facts>;

/** An advance that a correction made smaller: what is owed less, and nobody covered. */
export type Reduction = {
  readonly version: number;
  /** Which of the reductions of its version it is, from 1. */
  readonly number: number;
  readonly chargeId: string;
  readonly collection: number;
  readonly amount: bigint;
  readonly at: Instant;
};

/**
 * A state being worked on by one write, at the version it will get if it changes anything: replaced piece by piece, then
 * sealed. Never shared.
 */
export type Work = Pick<BookState, 'version' | 'historyFrom'> &
  Facts & {
    clock: Instant;
    readonly reductions: Reduction[];
    readonly postings: Posting[];
    /** Of all postings together. */
    legs: number;
  };

/** What a write leads to: the state after it and the facts to add to the journal. */
export type Outcome = {
  readonly state: BookState;
  readonly postings: readonly Posting[];
  readonly reductions: readonly Reduction[];
};

const NOTHING: Readonly<Facts> = {
  grants: grantsOf(),
  advances: advancesOf(),
  charges: chargesOf(),
  allocations: PersistentMap.of(),
  posted: PersistentMap.of(),
};

export const emptyBook = (clock: Instant): BookState => ({
  version: 0,
  clock,
  historyFrom: clock,
  ...NOTHING,
});

/** Begins to work on a state, which itself is never changed: so a refusal half-way leaves nothing behind. */
export const open = ({
  version,
  clock,
  historyFrom,
  grants,
  advances,
  charges,
  allocations,
  posted,
}: BookState): Work => ({
  version: version + 1,
  clock,
  historyFrom,
  grants,
  advances,
  charges,
  allocations,
  posted,
  reductions: [],
  postings: [],
  legs: 0,
});

/** Ends the work: the state it led to, at the version the write gets. */
export function seal(work: Work, version: number): Outcome {
  const { clock, historyFrom, grants, advances, charges, allocations, posted, postings, reductions } = work;
  const state = { version, clock, historyFrom, grants, advances, charges, allocations, posted };
  return { state, postings, reductions };
}

/** Books a posting and says where its first entry stands: entries count through a write in order of booking. */
export function book(work: Work, posting: Posting): EntryRef {
  const position = work.legs + 1;
  work.postings.push(posting);
  work.legs += posting.legs.length;
  return { version: work.version, position };
}

/** The entry `offset` places behind another of the same posting. */
export const entryAfter = ({ version, position }: EntryRef, offset: number): EntryRef => ({
  version,
  position: position + offset,
});

/** Keeps a slice as it happens. */
export function keep(work: Work, slice: Omit<Allocation, 'returned' | 'recognized'>): void {
  putAllocation(work, { ...slice, returned: 0n, recognized: 0n });
}

/** A grant that must be loaded: the loader's contract, not the caller's input. */
export function grantOf(work: Pick<Work, 'grants'>, grantId: string): Grant {
  const grant = work.grants.get(grantId);
  if (grant === undefined) throw new Error(`invariant: grant ${grantId} is not loaded`);
  return grant;
}

export function putGrant(work: Work, grant: Grant): Grant {
  work.grants = work.grants.with(grant);
  return grant;
}

export function putCharge(work: Work, charge: Charge): Charge {
  work.charges = work.charges.with(charge);
  return charge;
}

export function putAdvance(work: Work, advance: Advance): Advance {
  work.advances = work.advances.with(advance);
  return advance;
}

export function putAllocation(work: Work, slice: Allocation): void {
  work.allocations = work.allocations.with(allocationKey(slice.ref), slice);
}
