import assert from 'node:assert/strict';
import type { Command } from '../../src/credit/command.ts';
import type { Instant } from '../../src/instant.ts';
import { isRefusal, type Refusal } from '../../src/refusal.ts';
import { commandOf, GRID, START, type Step } from '../support/histories.ts';
import { EMPTY_REFERENCE, nowIn, viewAt, write, type ReferenceBook } from '../support/reference-model.ts';
import { differ } from './figures.ts';
import { append, CORE, latest, read, type Core, type Entry, type Journal } from './journal.ts';
import type { Tally } from './tally.ts';

/** One point of the two time axes. */
export type Point = { readonly asOf: Instant; readonly knownAt: Instant };

/** A history as far as it has been played: the journal of the core, the facts of the model, and now. */
export type Played = { readonly journal: Journal; readonly book: ReferenceBook; readonly now: Instant };

/** Somebody who looks on: called after every step, with what was there before it and where it asks. */
export type Onlooker = (after: Played, before: Played, asks: Point) => void;

/**
 * Law 3: plays a history through the core and through the reference model, and demands the same answer to every
 * command and the same figures after it, at now and at one more point of the two time axes.
 */
export function play(history: readonly Step[], tally: Tally, core: Core = CORE): Played {
  return run(history, core, tally, (after, _before, asks) => {
    compare(core, after, { asOf: after.now, knownAt: after.now });
    compare(core, after, asks);
  });
}

/** Plays a history for somebody who looks at something else than the figures; answers are compared all the same. */
export function run(history: readonly Step[], core: Core, tally: Tally, onlooker: Onlooker): Played {
  let played: Played = { journal: [], book: EMPTY_REFERENCE, now: START };
  let clock = START;
  for (const [number, { wait, act, question }] of history.entries()) {
    clock += wait * GRID;
    const now = nowIn(played.book, clock);
    const grants = played.book.facts.grants.map((grant) => grant.id);
    const after = playOne(core, played, commandOf(act, number, now, grants), now, tally);
    onlooker(after, played, { asOf: now + question.asOf * GRID, knownAt: now + question.knownAt * GRID });
    played = after;
  }
  return played;
}

function playOne(core: Core, before: Played, command: Command, now: Instant, tally: Tally): Played {
  const told = write(before.book, command, now);
  try {
    const { journal, decision } = append(core, before.journal, command, now);
    if ('reason' in told)
      return assert.fail(`the model refuses: ${told.reason} ${JSON.stringify(told.metadata)}`);
    assert.equal(decision.changed, told.changed, 'changes something');
    if ('collection' in decision.answer) assert.deepEqual(decision.answer.collection, told.collected);
    if (decision.changed) sameTakes(journal.at(-1)!, told.book);
    tally.accepted({ command, decision, before: latest(before.journal), now });
    return { journal, book: told.book, now };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    sameRefusal(error.refusal, told);
    tally.refused(error.refusal);
    return { ...before, now };
  }
}

/** Every slice taken by one write, for charges and for advances, in the order it happened. */
function sameTakes({ version, allocations }: Entry, { facts }: ReferenceBook): void {
  const takes = facts.takes.filter((take) => take.version === version && take.why !== 'FORFEIT');
  assert.deepEqual(
    allocations.map(({ kind, chargeId, grantId, at, amount }) => [kind, chargeId, grantId, at, amount]),
    takes.map(({ why, chargeId, grantId, at, amount }) => [why, chargeId, grantId, at, amount]),
  );
}

function sameRefusal({ reason, metadata }: Refusal, told: ReturnType<typeof write>): void {
  if (!('reason' in told))
    return assert.fail(`the model accepts, the core says ${reason} ${JSON.stringify(metadata)}`);
  assert.equal(reason, told.reason);
  assert.deepEqual({ ...metadata, ...told.metadata }, metadata, 'the metadata the law names');
}

/** The same figures from the core's journal and from the model, at a point of the two axes. */
export function compare(core: Core, { journal, book }: Played, { asOf, knownAt }: Point): void {
  differ(read(core, journal, asOf, knownAt), viewAt(book, asOf, knownAt));
}
