import type { Command } from '../../src/credit/command.ts';
import type { CancelCharge } from '../../src/credit/commands/cancel-charge.ts';
import type { Consume } from '../../src/credit/commands/consume.ts';
import type { Amount } from '../../src/amount.ts';
import type { Instant } from '../../src/instant.ts';
import type { View } from './reference/answers.ts';
import { statusOfCharge } from './reference/charges.ts';
import {
  closeCharge,
  collect,
  collectCharge,
  createCharge,
  openCharge,
  openOne,
  updateCharge,
} from './reference/collecting.ts';
import { correct } from './reference/correcting.ts';
import { coverIdle } from './reference/cover.ts';
import { NO_FACTS, upTo, type ChargeFact, type Facts } from './reference/facts.ts';
import { adjustDown, adjustUp, createGrant, reschedule, settle, voidGrant } from './reference/granting.ts';
import {
  isRefused,
  refused,
  type Collected,
  type Corrected,
  type Decided,
  type Refused,
} from './reference/outcome.ts';
import { recognize } from './reference/recognizing.ts';

export type { Collected, Refused };

/**
 * The rules of domain.md in the plainest form that can be right: facts in arrays, every figure found by scanning
 * them. It shares no rule with src/credit, is slow on purpose and answers for every (as_of, known_at). It knows what
 * moves settled, live and pending, and what of it is revenue; money is not its concern.
 */
export type ReferenceBook = {
  /** recorded_at of every write; the first has version 1. */
  readonly writes: readonly Instant[];
  readonly facts: Facts;
};

export const EMPTY_REFERENCE: ReferenceBook = { writes: [], facts: NO_FACTS };

export type Written = {
  readonly book: ReferenceBook;
  readonly changed: boolean;
  readonly collected: Collected | null;
  readonly corrected: Corrected | null;
  readonly taken: Collected['allocations'] | null;
  readonly recognized: Amount | null;
};

/** Now, in a book: the later of the clock and the book's last recorded_at. */
export const nowIn = (book: ReferenceBook, clock: Instant): Instant =>
  Math.max(clock, book.writes.at(-1) ?? clock);

/** Accepts a command at an instant, or says why not. */
export function write(book: ReferenceBook, command: Command, now: Instant): Written | Refused {
  const version = book.writes.length + 1;
  // What has fallen due since the last write becomes a fact of the write that finds it.
  const due = coverIdle(book.facts, version, -Infinity, now);
  const decided = decideOn(due, command, version, now);
  if (isRefused(decided)) return decided;
  const { facts, collected = null, corrected = null, taken = null, recognized = null } = decided;
  const answer = { collected, corrected, taken, recognized };
  if (facts === due) return { book, changed: false, ...answer };
  const from = tellsOfThePast(command) ? -Infinity : now;
  const after = { writes: [...book.writes, now], facts: coverIdle(facts, version, from, now) };
  return { book: after, changed: true, ...answer };
}

/** Only a command that gives a past instant on purpose may change what settled was before now (domain.md §2). */
function tellsOfThePast(command: Command): boolean {
  if (command.kind === 'createGrant') return command.effectiveAt !== null;
  if (command.kind === 'consume' || command.kind === 'collectCharge') return command.bookedAt !== null;
  return command.kind === 'updateSettlement' && command.occurredAt !== null;
}

/** The book at an instant, as known at another: later writes are unheard of, what falls due until then is foreseen. */
export function viewAt(book: ReferenceBook, asOf: Instant, knownAt: Instant): View {
  const version = book.writes.filter((recordedAt) => recordedAt <= knownAt).length;
  return { facts: coverIdle(upTo(book.facts, version), version + 1, -Infinity, asOf), at: asOf };
}

function decideOn(facts: Facts, command: Command, version: number, now: Instant): Decided | Refused {
  switch (command.kind) {
    case 'createGrant':
      return createGrant(facts, command, version, now);
    case 'voidGrant':
      return voidGrant(facts, command, version, now);
    case 'rescheduleGrant':
      return reschedule(facts, command, version, now);
    case 'updateSettlement':
      return settle(facts, command, version, now);
    case 'consume':
      return consume(facts, command, version, now);
    case 'createCharge':
      return createCharge(facts, command, version, now);
    case 'updateCharge':
      return updateCharge(facts, command, version, now);
    case 'collectCharge':
      return collectCharge(facts, command, version, now);
    case 'correctCharge':
      return correct(facts, command, version, now);
    case 'cancelCharge':
      return cancel(facts, command, version, now);
    case 'adjustUp':
      return adjustUp(facts, command, version, now);
    case 'adjustDown':
      return adjustDown(facts, command, version, now);
    case 'recognizeRevenue':
      return recognize(facts, command, version, now);
    case 'postManually':
      // Known to have happened, and of no consequence here.
      return (command.bookedAt ?? now) > now
        ? refused('INVALID_FIELD', { field: 'booked_at' })
        : { facts: { ...facts } };
    case 'reverseManually':
    case 'bookDue':
      throw new Error(`the reference model knows nothing of ${command.kind}`);
  }
}

/** Create, collect and finalize in one step. */
function consume(facts: Facts, command: Consume, version: number, now: Instant): Decided | Refused {
  const { chargeId: id, currency, amount, featureKey, mode } = command;
  const at = command.bookedAt ?? now;
  if (at > now) return refused('INVALID_FIELD', { field: 'booked_at' });
  const charge: ChargeFact = {
    version,
    recordedAt: now,
    id,
    type: 'FLAT_FEE',
    mode,
    currency,
    featureKey,
    startsAt: at,
    holdExpiresAt: Infinity,
  };
  const done = collect(openCharge(facts, charge, amount), charge, amount, at, { version, now });
  return isRefused(done) ? done : { ...done, facts: closeCharge(done.facts, id, 'FINAL', { version, now }) };
}

function cancel(facts: Facts, { chargeId }: CancelCharge, version: number, now: Instant): Decided | Refused {
  if (statusOfCharge(facts, chargeId) === 'CANCELED') return { facts };
  const charge = openOne(facts, chargeId);
  return isRefused(charge) ? charge : { facts: closeCharge(facts, chargeId, 'CANCELED', { version, now }) };
}
