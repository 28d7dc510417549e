import type { Instant } from '../instant.ts';
import { manualLegs, reversalLegs } from '../ledger/manual-rules.ts';
import { balanced } from '../ledger/posting.ts';
import { refuse } from '../refusal.ts';
import { adjustDown, adjustUp } from './adjust.ts';
import { advance } from './advance-to.ts';
import { book, open, seal, type BookState, type Outcome, type Work } from './book-state.ts';
import { cancelCharge, chargeOf, collectCharge, createCharge, updateCharge } from './charge-commands.ts';
import { inTime, type Command } from './command.ts';
import { bookedAt, consume } from './consume.ts';
import { correct } from './correct.ts';
import { createGrant } from './create-grant.ts';
import { recognizeRevenue } from './recognize.ts';
import { reschedule } from './reschedule.ts';
import { settle } from './settlement.ts';
import { voidGrant } from './void-grant.ts';

/** What the caller of each command learns; `currency`: of the credit the write concerned, null where it did none. */
export type AnswerOf<C extends Command> = ReturnType<(typeof HANDLERS)[C['kind']]>;

/** An outcome with the caller's answer; `changed` is false for a success that changes nothing and takes no version. */
export type Decision<C extends Command = Command> = Outcome & {
  readonly answer: AnswerOf<C>;
  readonly changed: boolean;
  /** The book at now, for the answer: where nothing changed too, although what has fallen due waits for the next write. */
  readonly seen: BookState;
};

type Handler<C extends Command> = (
  work: Work,
  command: C,
  now: Instant,
) => { readonly currency: string | null };

const grantAnswer = <G extends { readonly currency: string }>(grant: G) => ({
  currency: grant.currency,
  grant,
});
const chargeAnswer = <C extends { readonly currency: string }>(charge: C) => ({
  currency: charge.currency,
  charge,
});

/** Each command with the function that carries it out on a state in which all that is due has been booked. */
const HANDLERS = {
  createGrant: (work, command, now) => grantAnswer(createGrant(work, command, now)),
  voidGrant: (work, command, now) => grantAnswer(voidGrant(known(work, command), command, now)),
  rescheduleGrant: (work, command, now) => grantAnswer(reschedule(known(work, command), command, now)),
  updateSettlement: (work, command, now) => {
    const event = { ...command, occurredAt: command.occurredAt ?? now };
    return grantAnswer(settle(known(work, command), command.grantId, event, now));
  },
  consume: (work, command, now) => ({ currency: command.currency, ...consume(work, command, now) }),
  createCharge: (work, command, now) => chargeAnswer(createCharge(work, command, now)),
  updateCharge: (work, command) => chargeAnswer(updateCharge(work, command)),
  collectCharge: (work, command, now) => {
    const done = collectCharge(work, command, now);
    return { ...done, currency: done.charge.currency };
  },
  correctCharge: (work, command, now) => {
    const correction = correct(work, chargeOf(work, command.chargeId), command.amount, now);
    return { ...chargeAnswer(chargeOf(work, command.chargeId)), correction };
  },
  cancelCharge: (work, command, now) => chargeAnswer(cancelCharge(work, command.chargeId, now)),
  adjustUp: (work, command, now) => grantAnswer(adjustUp(work, command, now)),
  adjustDown: (work, command, now) => ({
    currency: command.currency,
    allocations: adjustDown(work, command, now),
  }),
  recognizeRevenue: (work, command, now) => ({
    currency: command.currency,
    recognition: recognizeRevenue(work, command, now),
  }),
  postManually: (work, command, now) => {
    const legs = manualLegs(command.entries);
    const at = bookedAt(command.bookedAt, now);
    book(work, balanced({ kind: 'MANUAL', bookedAt: at, legs, reason: command.reason }));
    return { currency: null };
  },
  reverseManually: (work, { transactionId, reason }, now) => {
    const posted = work.posted.get(transactionId) ?? noTransaction(transactionId);
    book(work, balanced({ kind: 'REVERSE', bookedAt: now, legs: reversalLegs(posted), reason }));
    work.posted.set(transactionId, { ...posted, reversed: true });
    return { currency: null };
  },
  // What there was to do has been done before it was looked at.
  bookDue: () => ({ currency: null }),
} satisfies { readonly [K in Command['kind']]: Handler<Extract<Command, { kind: K }>> };

/**
 * Decides one command at `now` (not before the book's clock): first books what has fallen due, then turns the command
 * into facts. What it says happened up to `leeway` milliseconds ahead of now happened now. Pure: the state given is left
 * as it was. Throws a RefusalError when the command is refused.
 */
export function decide<C extends Command>(
  state: BookState,
  command: C,
  now: Instant,
  leeway = 0,
): Decision<C> {
  const work = open(state);
  advance(work, now);
  // Booking what is due changes something by itself only where that was the wish.
  const before = command.kind === 'bookDue' ? from(state) : asItStands(state, work);
  const handler = HANDLERS[command.kind] as unknown as (w: Work, c: C, at: Instant) => AnswerOf<C>;
  const answer = handler(work, inTime(command, now, leeway), now);
  const changed = differs(before, work);
  // What has fallen due stays due: a success that changes nothing takes no version to book it under.
  const outcome = seal(work, changed ? work.version : state.version);
  return { ...(changed ? outcome : unchanged(state)), answer, changed, seen: outcome.state };
}

/** What a command may change, as it was before. */
type Before = Pick<BookState, 'grants' | 'charges'> & { readonly postings: number };

const from = ({ grants, charges }: BookState): Before => ({ grants, charges, postings: 0 });

/** The work as it stands. Copied only where it has come further than the state: the usual write finds nothing due. */
function asItStands(state: BookState, work: Work): Before {
  const before = from(state);
  if (!differs(before, work)) return before;
  return { grants: new Map(work.grants), charges: new Map(work.charges), postings: work.postings.length };
}

const differs = (before: Before, work: Work): boolean =>
  work.postings.length > before.postings ||
  holdsOthers(before.grants, work.grants) ||
  holdsOthers(before.charges, work.charges);

/** Facts are replaced, never changed in place, so another object is another fact. */
function holdsOthers(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): boolean {
  if (before.size !== after.size) return true;
  for (const [id, fact] of after) if (before.get(id) !== fact) return true;
  return false;
}

const unchanged = (state: BookState): Outcome => ({ state, postings: [], reductions: [] });

const noTransaction = (id: string): never =>
  refuse('TRANSACTION_NOT_FOUND', `this customer has no transaction ${id}`, { id });

function known(work: Work, { grantId }: { readonly grantId: string }): Work {
  if (work.grants.has(grantId)) return work;
  return refuse('GRANT_NOT_FOUND', `this customer has no grant ${grantId}`, { id: grantId });
}
