import type { Instant } from '../instant.ts';
import type { Posting } from '../ledger/posting.ts';
import type { Advance, Allocation, Charge } from './charge.ts';
import type { Grant } from './grant.ts';

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
  readonly grants: ReadonlyMap<string, Grant>;
  readonly advances: ReadonlyMap<string, Advance>;
  readonly charges: ReadonlyMap<string, Charge>;
};

/** A state being worked on by one write: replaced piece by piece, then sealed. Never shared. */
export type Work = {
  /** The version this write will get if it changes anything. */
  readonly version: number;
  clock: Instant;
  readonly historyFrom: Instant;
  readonly grants: Map<string, Grant>;
  readonly advances: Map<string, Advance>;
  readonly charges: Map<string, Charge>;
  readonly allocations: Allocation[];
  readonly postings: Posting[];
};

/** What a write leads to: the state after it and the facts to add to the journal. */
export type Outcome = {
  readonly state: BookState;
  readonly postings: readonly Posting[];
  readonly allocations: readonly Allocation[];
};

export const emptyBook = (clock: Instant): BookState => ({
  version: 0,
  clock,
  historyFrom: clock,
  grants: new Map(),
  advances: new Map(),
  charges: new Map(),
});

/** A copy to work on; the state itself is never changed, so a refusal half-way leaves nothing behind. */
export const open = (state: BookState): Work => ({
  version: state.version + 1,
  clock: state.clock,
  historyFrom: state.historyFrom,
  grants: new Map(state.grants),
  advances: new Map(state.advances),
  charges: new Map(state.charges),
  allocations: [],
  postings: [],
});

/** Ends the work: the state it led to, at the version the write gets. */
export const seal = (work: Work, version: number): Outcome => ({
  state: {
    version,
    clock: work.clock,
    historyFrom: work.historyFrom,
    grants: work.grants,
    advances: work.advances,
    charges: work.charges,
  },
  postings: work.postings,
  allocations: work.allocations,
});
