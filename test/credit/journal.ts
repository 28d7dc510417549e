import type { Amount } from '../../src/amount.ts';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { emptyBook, type BookState, type Reduction } from '../../src/credit/book-state.ts';
import type { Allocation } from '../../src/credit/charge.ts';
import type { Command } from '../../src/credit/command.ts';
import { decide, type Decision } from '../../src/credit/decide.ts';
import { viewThen, type GrantView } from '../../src/credit/grant-view.ts';
import { promiseOf } from '../../src/credit/grant.ts';
import { EARLIEST, type Instant } from '../../src/instant.ts';
import type { Posting, PostingKind } from '../../src/ledger/posting.ts';
import { pendingAt, sumPromised, type Promised } from '../../src/pending/promise.ts';
import type { Scope } from '../../src/scope.ts';

/** The core under test; a twin passes one with a fault in it. */
export type Core = { readonly decide: typeof decide; readonly advanceTo: typeof advanceTo };
export const CORE: Core = { decide, advanceTo };

/** One committed write: what the store would keep of it. */
export type Entry = {
  readonly version: number;
  readonly recordedAt: Instant;
  readonly state: BookState;
  readonly postings: readonly Posting[];
  /** The slices it took, in order. */
  readonly allocations: readonly Allocation[];
  readonly reductions: readonly Reduction[];
};

/** Everything a book has written, in order of version. */
export type Journal = readonly Entry[];

/** A book that has seen nothing and remembers everything from the beginning of time. */
const NEW_BOOK: BookState = emptyBook(EARLIEST);

export const latest = (journal: Journal): BookState => journal.at(-1)?.state ?? NEW_BOOK;

/** Decides on the latest state and keeps what it led to; throws the refusal, and keeps nothing, when it is refused. */
export function append(
  core: Core,
  journal: Journal,
  command: Command,
  now: Instant,
): { readonly journal: Journal; readonly decision: Decision } {
  const decision = core.decide(latest(journal), command, now);
  if (!decision.changed) return { journal, decision };
  const { state, postings, reductions } = decision;
  const allocations = [...state.allocations.values()].filter(({ ref }) => ref.version === state.version);
  const entry = { version: state.version, recordedAt: now, state, postings, allocations, reductions };
  return { journal: [...journal, entry], decision };
}

/** What the journal says at an instant as known at another; what lies beyond its clock is computed forward. */
export type Reading = {
  readonly asOf: Instant;
  /** As of the later of the asked instant and the last known write. */
  readonly state: BookState;
  readonly settled: readonly Promised[];
  readonly promised: readonly Promised[];
  readonly grants: ReadonlyMap<string, GrantView>;
};

export function read(core: Core, journal: Journal, asOf: Instant, knownAt: Instant): Reading {
  const known = journal.filter((entry) => entry.recordedAt <= knownAt);
  const ahead = core.advanceTo(latest(known), asOf);
  const { state } = ahead;
  const booked = [...known.flatMap((entry) => entry.postings), ...ahead.postings];
  const postings = booked.filter((posting) => posting.bookedAt <= asOf);
  const held = heldOf(postings);
  const promises = [...state.grants.values()].map(promiseOf).filter((promise) => promise !== null);
  const views = [...state.grants.values()].map((grant) => viewThen(grant, asOf, held.get(grant.id) ?? NONE));
  return {
    asOf,
    state,
    settled: settledOf(postings),
    promised: promises.filter((promise) => pendingAt(promise, asOf)),
    grants: new Map(views.map((v) => [v.grant.id, v])),
  };
}

/** Σ FBO + Σ receivable with unknown cost basis (domain.md §5), by route. */
function settledOf(postings: readonly Posting[]): readonly Promised[] {
  const totals = new Map<string, Promised>();
  for (const { account, amount } of postings.flatMap((posting) => posting.legs)) {
    const { type, currency, featureKeys, costBasis } = account;
    if (type !== 'CUSTOMER_FBO' && !(type === 'CUSTOMER_RECEIVABLE' && costBasis === null)) continue;
    const route = `${currency} ${featureKeys.join()}`;
    totals.set(route, { currency, featureKeys, amount: (totals.get(route)?.amount ?? 0n) + amount });
  }
  return [...totals.values()];
}

type Held = { readonly remaining: Amount; readonly forfeited: Amount };
const NONE: Held = { remaining: 0n, forfeited: 0n };
const FORFEITS: readonly PostingKind[] = ['EXPIRE', 'EXPIRE_UNDONE', 'VOID'];

/** What entries say of each grant: what it holds, and what it lost other than by consumption. */
function heldOf(postings: readonly Posting[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  for (const { kind, legs } of postings) {
    for (const { account, amount, grantId } of legs) {
      if (account.type !== 'CUSTOMER_FBO' || grantId === null) continue;
      const { remaining, forfeited } = held.get(grantId) ?? NONE;
      const lost = FORFEITS.includes(kind) ? -amount : 0n;
      held.set(grantId, { remaining: remaining + amount, forfeited: forfeited + lost });
    }
  }
  return held;
}

export const settledIn = ({ settled }: Reading, currency: string, scope: Scope): Amount =>
  sumPromised(settled, currency, scope);

export const pendingIn = ({ promised }: Reading, currency: string, scope: Scope): Amount =>
  sumPromised(promised, currency, scope);
