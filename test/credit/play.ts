import assert from 'node:assert/strict';
import type { Charge } from '../../src/credit/charge.ts';
import type { Command } from '../../src/credit/command.ts';
import type { Decision } from '../../src/credit/decide.ts';
import { later, type Instant } from '../../src/instant.ts';
import { isRefusal, type Refusal } from '../../src/refusal.ts';
import { commandOf, GRID, START, type Step } from '../support/histories.ts';
import {
  EMPTY_REFERENCE,
  nowIn,
  viewAt,
  write,
  type ReferenceBook,
  type Written,
} from '../support/reference-model.ts';
import { amountAt, collectedAt, invoicedOf, statusOfCharge } from '../support/reference/charges.ts';
import { sumOf, type Facts, type Take } from '../support/reference/facts.ts';
import { recognizedOf } from '../support/reference/recognizing.ts';
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
  return follow(history, core, tally, (after, _before, asks) => {
    compare(core, after, { asOf: after.now, knownAt: after.now });
    compare(core, after, asks);
  });
}

/** Plays a history for somebody who looks at something else than the figures; answers are compared all the same. */
export function follow(history: readonly Step[], core: Core, tally: Tally, onlooker: Onlooker): Played {
  let played: Played = { journal: [], book: EMPTY_REFERENCE, now: START };
  let clock = START;
  for (const [number, { wait, act, question }] of history.entries()) {
    clock += wait * GRID;
    const now = nowIn(played.book, clock);
    const grants = played.book.facts.grants.map((grant) => grant.id);
    const charges = played.book.facts.charges.map((charge) => charge.id);
    const command = commandOf(act, number, now, grants, charges);
    const after = playOne(core, played, command, now, tally);
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
    sameAnswer(decision, told);
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

function sameAnswer({ answer }: Decision, told: Written): void {
  if ('collection' in answer) assert.deepEqual(answer.collection, told.collected, 'collection');
  if ('correction' in answer) assert.deepEqual(answer.correction, told.corrected, 'correction');
  if ('recognition' in answer) assert.equal(answer.recognition.units, told.recognized, 'revenue');
  if ('allocations' in answer) assert.deepEqual(answer.allocations, told.taken, 'what an adjustment took');
}

/**
 * What a write changed of slices and charges: every slice taken for a charge or its advance in the order it happened,
 * what has come back of each since or is revenue, advances made smaller, and how far every charge has come.
 */
function sameTakes({ version, allocations, reductions, state }: Entry, { facts }: ReferenceBook): void {
  assert.deepEqual(
    allocations.map(({ kind, chargeId, grantId, at, amount }) => [kind, chargeId, grantId, at, amount]),
    facts.takes
      .filter((take) => take.version === version && isSlice(take))
      .map(({ why, chargeId, grantId, at, amount }) => [why, chargeId, grantId, at, amount]),
    'slices',
  );
  const places = [...facts.takes.keys()].filter((place) => isSlice(facts.takes[place]!));
  const returned = places.map((place) => -sumOf(facts.takes.filter((take) => take.of === place)));
  assert.deepEqual(
    [...state.allocations.values()].map((slice) => slice.returned),
    returned,
    'what came back',
  );
  assert.deepEqual(
    [...state.allocations.values()].map((slice) => slice.recognized),
    places.map((place) => recognizedOf(facts, place)),
    'revenue',
  );
  assert.deepEqual(
    reductions.map(({ chargeId, collection, amount }) => [chargeId, collection, amount]),
    facts.reductions
      .filter((fact) => fact.version === version)
      .map(({ chargeId, collection, amount }) => [chargeId, collection, amount]),
    'advances made smaller',
  );
  for (const charge of state.charges.values()) sameCharge(charge, facts);
}

const isSlice = ({ why }: Take): boolean => why === 'SOURCE' || why === 'COVER';

function sameCharge({ id, status, amount, collected, invoiced }: Charge, facts: Facts): void {
  assert.deepEqual(
    { id, status, amount, collected, invoiced },
    {
      id,
      status: statusOfCharge(facts, id),
      amount: amountAt(facts, id, Infinity),
      collected: collectedAt(facts, id, Infinity),
      invoiced: invoicedOf(facts, id),
    },
  );
}

function sameRefusal({ reason, metadata }: Refusal, told: ReturnType<typeof write>): void {
  if (!('reason' in told))
    return assert.fail(`the model accepts, the core says ${reason} ${JSON.stringify(metadata)}`);
  assert.equal(reason, told.reason);
  assert.deepEqual({ ...metadata, ...told.metadata }, metadata, 'the metadata the law names');
}

/** Plays a history through the core alone; what it refuses leaves no trace. */
export function playAlone(history: readonly Step[], core: Core = CORE): Journal {
  let journal: Journal = [];
  let clock = START;
  for (const [number, { wait, act }] of history.entries()) {
    clock += wait * GRID;
    const now = later(clock, journal.at(-1)?.recordedAt ?? clock);
    const { grants, charges } = latest(journal);
    const command = commandOf(act, number, now, [...grants.keys()], [...charges.keys()]);
    try {
      ({ journal } = append(core, journal, command, now));
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  return journal;
}

/** The same figures from the core's journal and from the model, at a point of the two axes. */
function compare(core: Core, { journal, book }: Played, { asOf, knownAt }: Point): void {
  differ(read(core, journal, asOf, knownAt), viewAt(book, asOf, knownAt));
}
