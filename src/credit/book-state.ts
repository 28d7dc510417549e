import type { Instant } from '../instant.ts';
import type { Posted } from '../ledger/manual-rules.ts';
import type { Posting } from '../ledger/posting.ts';
import { allocationKey, type Advance, type Allocation, type Charge, type EntryRef } from './charge.ts';
import type { Grant } from './grant.ts';

/** The facts of a book, by their ids. */
type Facts = {
  readonly grants: Grant;
  /** By `advanceKey`: those with something uncovered. */
  readonly advances: Advance;
  /** The open ones, and those the command names. */
  readonly charges: Charge;
  /** By `allocationKey`: those of the charges the command names, or that revenue is to be recognized for. */
  readonly allocations: Allocation;
  /** The transactions the command names. */
  readonly posted: Posted;
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
} & { readonly [Of in keyof Facts]: ReadonlyMap<string, Facts[Of]> };

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
export type Work = Pick<BookState, 'version' | 'historyFrom'> & {
  clock: Instant;
  readonly reductions: Reduction[];
  readonly postings: Posting[];
} & { readonly [Of in keyof Facts]: Map<string, Facts[Of]> };

/** What a write leads to: the state after it and the facts to add to the journal. */
export type Outcome = {
  readonly state: BookState;
  readonly postings: readonly Posting[];
  readonly reductions: readonly Reduction[];
};

export const emptyBook = (clock: Instant): BookState => ({
  version: 0,
  clock,
  historyFrom: clock,
  grants: new Map(),
  advances: new Map(),
  charges: new Map(),
  allocations: new Map(),
  posted: new Map(),
});

/** A copy to work on; the state itself is never changed, so a refusal half-way leaves nothing behind. */
export const open = (state: BookState): Work => ({
  version: state.version + 1,
  clock: state.clock,
  historyFrom: state.historyFrom,
  grants: new Map(state.grants),
  advances: new Map(state.advances),
  charges: new Map(state.charges),
  allocations: new Map(state.allocations),
  posted: new Map(state.posted),
  reductions: [],
  postings: [],
});

/** Ends the work: the state it led to, at the version the write gets. */
export function seal({ reductions, postings, ...state }: Work, version: number): Outcome {
  return { state: { ...state, version }, postings, reductions };
}

/** Books a posting and says where its first entry stands: entries count through a write in order of booking. */
export function book(work: Work, posting: Posting): EntryRef {
  const before = work.postings.reduce((count, { legs }) => count + legs.length, 0);
  work.postings.push(posting);
  return { version: work.version, position: before + 1 };
}

/** The entry `offset` places behind another of the same posting. */
export const entryAfter = ({ version, position }: EntryRef, offset: number): EntryRef => ({
  version,
  position: position + offset,
});

/** Keeps a slice as it happens. */
export function keep(work: Work, slice: Omit<Allocation, 'returned' | 'recognized'>): void {
  work.allocations.set(allocationKey(slice.ref), { ...slice, returned: 0n, recognized: 0n });
}

/** A grant that must be loaded: the loader's contract, not the caller's input. */
export function grantOf(work: Pick<Work, 'grants'>, grantId: string): Grant {
  const grant = work.grants.get(grantId);
  if (grant === undefined) throw new Error(`invariant: grant ${grantId} is not loaded`);
  return grant;
}

export function putGrant(work: Work, grant: Grant): Grant {
  work.grants.set(grant.id, grant);
  return grant;
}

export function putCharge(work: Work, charge: Charge): Charge {
  work.charges.set(charge.id, charge);
  return charge;
}
