import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import type { OpenBook } from '../../src/book/book-cache.ts';
import { balancesNow } from '../../src/book/lasting.ts';
import { advanceTo, nextEvent } from '../../src/credit/advance-to.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { balancesIn, PARTS, type Figures } from '../../src/credit/figures.ts';
import type { Instant } from '../../src/instant.ts';
import { PersistentMap } from '../../src/persistent-map.ts';
import { ALL } from '../../src/scope.ts';
import { CORE, latest } from '../credit/journal.ts';
import { breaking, broken } from '../credit/breaking.ts';
import { follow } from '../credit/play.ts';
import { tallyOfSpending } from '../credit/tally.ts';
import { CURRENCIES, fullHistory, GRID, type Step } from '../support/histories.ts';

/** What is given again for as long as it lasts is what would be worked out. */

const WHOLE: Figures = { currencies: [], scope: ALL, parts: new Set(PARTS) };

const openOf = ({ grants, charges, advances }: BookState): OpenBook => ({
  grants,
  charges,
  advances,
  stored: PersistentMap.of(),
  subAccounts: null,
});

type Asked = (view: Parameters<typeof balancesNow>[0], open: OpenBook) => ReturnType<typeof balancesNow>;

const asked: Asked = (view, open) => balancesNow(view, open, WHOLE);

/** Asks about every state of a history at instants before and after its next event, back and forth. */
const isWorkedOut = (steps: readonly Step[], ask: Asked = asked) =>
  void follow(steps, CORE, tallyOfSpending(), ({ journal }) => {
    const state = latest(journal);
    const open = openOf(state);
    for (const at of instantsFrom(state)) {
      const view = { version: state.version, clock: state.clock, asOf: at, currencies: CURRENCIES };
      const expected = balancesIn(advanceTo(state, at).state, CURRENCIES, WHOLE);
      assert.deepEqual(ask(view, open), expected, `at ${at}`);
    }
  });

function instantsFrom(state: BookState): readonly Instant[] {
  const event = Math.min(nextEvent(state), state.clock + 16 * GRID);
  const then = Math.min(nextEvent(advanceTo(state, event).state), event + 16 * GRID);
  const all = [state.clock, event - 1, state.clock, event, then - 1, event, then, event - 1];
  return all.filter((at) => at >= state.clock);
}

test('a whole balance is that of its instant, whatever was asked before', () => {
  expect(breaking(fullHistory(), 200, isWorkedOut)).toBeNull();
});

test('and would not be if it were given for ever', () => {
  const first = new WeakMap<OpenBook, ReturnType<Asked>>();
  const forEver: Asked = (view, open) => {
    const known = first.get(open) ?? asked(view, open);
    first.set(open, known);
    return known;
  };

  expect(broken(fullHistory(), 200, (steps) => isWorkedOut(steps, forEver))).not.toBeNull();
});

test('it is worked out once, for one version', () => {
  const book = latest([]);
  const open = openOf(book);
  const view = { version: 1, clock: book.clock, asOf: book.clock, currencies: ['USD'] };
  const balances = asked(view, open);

  expect(asked({ ...view, asOf: view.asOf + GRID }, open)).toBe(balances);
  expect(asked({ ...view, version: 2, currencies: ['EUR', 'USD'] }, open)).toHaveLength(2);
});

test('what is not the whole is worked out for itself', () => {
  const book = latest([]);
  const view = { version: 1, clock: book.clock, asOf: book.clock, currencies: ['USD'] };
  const open = openOf(book);
  asked(view, open);

  expect(balancesNow(view, open, { ...WHOLE, currencies: ['EUR'] })).toMatchObject([{ currency: 'EUR' }]);
  expect(balancesNow(view, open, { ...WHOLE, parts: new Set(['live']) })).toEqual([
    { currency: 'USD', live: 0n },
  ]);
});
