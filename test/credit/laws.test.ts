import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { advanceTo, nextEvent } from '../../src/credit/advance-to.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { NEVER, type Instant } from '../../src/instant.ts';
import { fullHistory, GRID, history, type Step } from '../support/histories.ts';
import { viewAt } from '../support/reference-model.ts';
import { breaking, broken } from './breaking.ts';
import { CHANGES_WHAT_IT_IS_GIVEN, FAULTS_OF_EVERYTHING, FAULTS_OF_SPENDING } from './faults.ts';
import { balancesOf, figuresOf } from './figures.ts';
import { CORE, latest, read, type Core } from './journal.ts';
import { follow, play, playAlone, type Onlooker, type Point } from './play.ts';
import { sound } from './sound.ts';
import { tallyOfEverything, tallyOfSpending } from './tally.ts';

const watched = (steps: readonly Step[], onlooker: Onlooker, core: Core = CORE) =>
  follow(steps, core, tallyOfSpending(), onlooker);

/** Nearly every refusal there is; what is refused at the door never gets this far. */
const REFUSALS = [
  'INSUFFICIENT_CREDIT',
  'INVALID_FIELD',
  'GRANT_NOT_FOUND',
  'GRANT_EXPIRED',
  'GRANT_EXHAUSTED',
  'GRANT_VOIDED',
  'GRANT_NOT_PENDING',
  'NOT_FUNDED',
  'SETTLEMENT_OUT_OF_ORDER',
  'CHARGE_NOT_FOUND',
  'CHARGE_NOT_OPEN',
  'CORRECTION_TOO_LARGE',
];

describe('the laws, over at least 36,000 operations of grants and spending alone', () => {
  const tally = tallyOfSpending();

  it('gives every answer and every figure of the reference model, past, now and future (laws 2 and 3)', () => {
    expect(breaking(history(), 1_400, (steps) => void play(steps, tally))).toBeNull();
    expect(tally.operations).toBeGreaterThanOrEqual(36_000);
  });

  it.each([...tally.counts.keys()])('has met: %s', (name) => {
    expect(tally.counts.get(name)).toBeGreaterThanOrEqual(5);
  });
});

describe('whatever the model says, the core', () => {
  it('balances, overdraws nothing, books nothing ahead and lets no credit idle beside a debt (law 1)', () => {
    expect(breaking(fullHistory(), 700, (steps) => sound(playAlone(steps)))).toBeNull();
  });

  it('foresees what waiting will bring, in steps of any size (law 4)', () => {
    expect(breaking(fullHistory(), 300, foreseesWhatWaitingBrings)).toBeNull();
  });

  it('leaves the state it was given as it was, whether it accepts or refuses (law 6)', () => {
    expect(breaking(fullHistory(), 300, leavesTheStateAlone)).toBeNull();
  });

  it('never changes an answer once it is known (law 8)', () => {
    expect(breaking(fullHistory(), 300, remembersEveryAnswer)).toBeNull();
  });

  it('refuses for every reason there is', () => {
    const tally = tallyOfEverything();
    breaking(fullHistory(), 200, (steps) => void follow(steps, CORE, tally, () => {}));

    expect([...tally.counts.keys()]).toEqual(expect.arrayContaining(REFUSALS));
  });
});

describe('a core with a fault', () => {
  it.each(Object.entries(FAULTS_OF_SPENDING))('is found out when it %s', (_fault, core) => {
    expect(broken(history(), 300, givesAllFigures(core))).not.toBeNull();
  });

  it.each(Object.entries(FAULTS_OF_EVERYTHING))('is found out when it %s', (_fault, core) => {
    expect(broken(fullHistory(), 1_500, givesAllFigures(core))).not.toBeNull();
  });

  it('is told from one without', () => {
    expect(broken(fullHistory(), 300, givesAllFigures(CORE))).toBeNull();
  });

  it('is found out when it changes the state it was given', () => {
    const law = (steps: readonly Step[]) => leavesTheStateAlone(steps, CHANGES_WHAT_IT_IS_GIVEN);

    expect(broken(history(), 300, law)).not.toBeNull();
  });

  it.each([
    'spends at a past instant what others have taken since',
    'does not undo the expiry of credit a late booking takes',
    'books activations when they are found',
    'keeps expired credit',
    'forgets the debts of the past',
  ])('gives itself away without the model when it %s', (fault) => {
    const law = (steps: readonly Step[]) => sound(playAlone(steps, FAULTS_OF_SPENDING[fault]));

    expect(broken(history(), 300, law)).not.toBeNull();
  });

  it('is found out when what it foresees depends on how long one waits', () => {
    const hasty: Core = {
      ...CORE,
      advanceTo: (state, to) => advanceTo(state, Math.min(to, nextEvent(state))),
    };

    expect(broken(history(), 300, (steps) => foreseesWhatWaitingBrings(steps, hasty))).not.toBeNull();
  });
});

const givesAllFigures = (core: Core) => (steps: readonly Step[]) => void play(steps, tallyOfSpending(), core);

function foreseesWhatWaitingBrings(steps: readonly Step[], core: Core = CORE): void {
  watched(steps, ({ journal, now }) => waitingBringsWhatWasForeseen(core, latest(journal), now));
}

/** One leap, hour after hour, and from event to event book the same postings in the same order. */
function waitingBringsWhatWasForeseen(core: Core, state: BookState, now: Instant): void {
  const until = now + 16 * GRID;
  const leap = core.advanceTo(state, until);

  const hourly = [];
  let waiting = state;
  for (let at = now; at < until; at += GRID) {
    const step = core.advanceTo(waiting, Math.min(at + GRID, until));
    hourly.push(...step.postings);
    waiting = step.state;
  }
  assert.deepEqual(hourly, leap.postings);
  // Where in the journal its coverings will stand is decided by the write that finds them.
  assert.deepEqual({ ...waiting, allocations: null }, { ...leap.state, allocations: null });

  const eventful = [];
  let next = state;
  for (let at = nextEvent(next); at <= until && at < NEVER; at = nextEvent(next)) {
    assert.ok(at > next.clock, 'the next event lies ahead');
    const before = advanceTo(next, at - 1);
    assert.equal(before.postings.length, 0, 'nothing is booked before the next event');
    assert.deepEqual(balancesOf(before.state), balancesOf(next), 'nothing changes before the next event');
    const step = advanceTo(next, at);
    eventful.push(...step.postings);
    next = step.state;
  }
  assert.deepEqual(eventful, leap.postings);
}

/** A copy of all that a state holds. */
const contentOf = ({ grants, advances, charges, allocations, posted, ...facts }: BookState): unknown =>
  structuredClone({
    ...facts,
    grants: [...grants],
    advances: [...advances],
    charges: [...charges],
    allocations: [...allocations],
    posted: [...posted],
  });

function leavesTheStateAlone(steps: readonly Step[], core: Core = CORE): void {
  let given = contentOf(latest([]));
  watched(
    steps,
    (after, before) => {
      assert.deepEqual(contentOf(latest(before.journal)), given);
      given = contentOf(latest(after.journal));
    },
    core,
  );
}

function remembersEveryAnswer(steps: readonly Step[]): void {
  const answers: { readonly point: Point; readonly core: unknown; readonly model: unknown }[] = [];
  const { journal, book } = watched(steps, (after, _before, point) => {
    // Only before the last recorded_at is the known instant past: a later write may still be of that very instant.
    if (point.knownAt >= (after.journal.at(-1)?.recordedAt ?? -Infinity)) return;
    const { asOf, knownAt } = point;
    const core = figuresOf(read(CORE, after.journal, asOf, knownAt));
    answers.push({ point, core, model: viewAt(after.book, asOf, knownAt) });
  });
  for (const {
    point: { asOf, knownAt },
    core,
    model,
  } of answers) {
    assert.deepEqual(figuresOf(read(CORE, journal, asOf, knownAt)), core);
    assert.deepEqual(viewAt(book, asOf, knownAt), model);
  }
}
