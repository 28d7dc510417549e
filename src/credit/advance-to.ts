import { earlier, later, NEVER, type Instant } from '../instant.ts';
import { expire, issue } from '../ledger/posting-rules.ts';
import {
  book,
  grantOf,
  open,
  putGrant,
  seal,
  type BookState,
  type Outcome,
  type Work,
} from './book-state.ts';
import { burnOrder } from './burn-order.ts';
import { turnsOf, type Charge } from './charge.ts';
import { coverWith } from './cover.ts';
import { bookingInstant, creditOf, nextDueOf, type Grant } from './grant.ts';
import { dueAmong, nextDueAmong } from './pools.ts';

/**
 * Moves a book's clock forward to `to` (inclusive): every activation, covering and expiry that falls due becomes a
 * posting at its own exact instant, in order. A clock that is already later stays. Version is left as it was: what
 * falls due is booked under the version of the write that finds it.
 */
export function advanceTo(state: BookState, to: Instant): Outcome {
  const work = open(state);
  advance(work, to);
  return seal(work, state.version);
}

/** The next instant at which the book changes by itself; NEVER if it only changes by writes. */
export function nextEvent(state: Pick<BookState, 'grants' | 'charges' | 'clock'>): Instant {
  let next = nextDue(state);
  for (const charge of state.charges.values()) next = earlier(next, nextTurn(charge, state.clock));
  return next;
}

/** The next instant at which something is to be booked: unlike a charge that starts, which only weighs on live. */
export const nextDue = ({ grants }: Pick<BookState, 'grants'>): Instant => nextDueAmong(grants);

/** Moves the clock of a work in progress; a back-dated grant is booked and expired here too, at its own past instants. */
export function advance(work: Work, to: Instant): void {
  for (const { at, kind, grant } of due(work, to)) {
    if (kind === 'EXPIRY') expireGrant(work, grant.id, at);
    else activate(work, grant.id, at);
  }
  work.clock = later(work.clock, to);
}

/** Something that falls due by itself and is booked at its own instant. */
export type Due = { readonly at: Instant; readonly kind: 'EXPIRY' | 'ACTIVATION'; readonly grant: Grant };

/** Everything that falls due, in order: by instant, expiries before activations, then burn order (domain.md §7). */
export function due(work: Pick<BookState, 'grants'>, to: Instant): readonly Due[] {
  const events: Due[] = [];
  const grants = dueAmong(work.grants, to);
  if (grants.length === 0) return events;
  for (const grant of grants) {
    if (nextDueOf(grant) > to) continue;
    const booking = grant.phase === 'SCHEDULED' ? bookingInstant(grant) : NEVER;
    if (booking <= to && booking < grant.expiresAt) events.push({ at: booking, kind: 'ACTIVATION', grant });
    if (grant.expiresAt <= to) events.push({ at: grant.expiresAt, kind: 'EXPIRY', grant });
  }
  return events.toSorted(
    (a, b) =>
      a.at - b.at ||
      Number(a.kind === 'ACTIVATION') - Number(b.kind === 'ACTIVATION') ||
      burnOrder(a.grant, b.grant),
  );
}

/** When a charge begins or ceases to weigh on live by itself: nothing is booked then, but a balance changes. */
const nextTurn = (charge: Charge, after: Instant): Instant =>
  charge.status === 'OPEN' ? (turnsOf(charge).find(({ at }) => at > after)?.at ?? NEVER) : NEVER;

/** The grant becomes credit, and first covers outstanding advances. */
function activate(work: Work, grantId: string, at: Instant): void {
  const grant = grantOf(work, grantId);
  book(work, issue(creditOf(grant), grant.amount, grant.funding.method === 'NONE', at));
  putGrant(work, { ...grant, phase: 'CREDIT', bookedAt: at, remaining: grant.amount });
  coverWith(work, grantId, at);
}

/** What remains is breakage; a grant that still waits for its funding lapses as a whole. */
function expireGrant(work: Work, grantId: string, at: Instant): void {
  const grant = grantOf(work, grantId);
  if (grant.phase === 'SCHEDULED') {
    putGrant(work, { ...grant, phase: 'LAPSED', expired: grant.amount });
    return;
  }
  if (grant.remaining === 0n) return;
  book(work, expire(creditOf(grant), grant.remaining, at));
  putGrant(work, {
    ...grant,
    phase: 'EXPIRED',
    remaining: 0n,
    expired: grant.expired + grant.remaining,
  });
}
