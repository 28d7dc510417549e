import { describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import { balancesOf, SCOPES, standingsOf, type Standing } from '../support/figures.ts';
import { CURRENCIES, GRID } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough, type PlayedStep } from '../support/played.ts';
import { viewAt } from '../support/reference-model.ts';
import {
  existsAt,
  liveIn,
  partsOf,
  pendingIn,
  settledIn,
  statusOf,
  type View,
} from '../support/reference/answers.ts';
import { isPlain, newTwin, tell, type Twin } from '../support/twin.ts';
import { testWorld } from '../support/world.ts';

/**
 * Law 3 through the whole service: what is stored, loaded, summed from the journal or run forward gives the figures
 * of a model that keeps bare facts and scans them, at random points of both time axes.
 */

const { caller, time } = await testWorld();

const balancesIn = (view: View, scopes: readonly Scope[]): readonly object[] =>
  scopes.map((scope) =>
    CURRENCIES.map((currency) => ({
      currency,
      settled: formatAmount(settledIn(view, currency, scope)),
      live: formatAmount(liveIn(view, currency, scope)),
      pending: formatAmount(pendingIn(view, currency, scope)),
    })),
  );

const standingsIn = (view: View): ReadonlyMap<string, Standing> =>
  new Map(
    view.facts.grants
      .filter((grant) => existsAt(view, grant))
      .map((grant) => {
        const { pending, remaining, consumed, expired, voided } = partsOf(view, grant);
        const parts = Object.entries({ pending, remaining, consumed, expired, voided });
        const amounts = Object.fromEntries(parts.map(([part, amount]) => [part, formatAmount(amount)]));
        return [grant.id, { status: statusOf(view, grant)!, ...amounts } as Standing];
      }),
  );

/** The service's answer to a step, and its figures at the point that the step asks about, against the model's. */
async function compare(customerId: string, twin: Twin, played: PlayedStep): Promise<void> {
  tell(twin, played);
  const {
    now,
    step: { question },
  } = played;
  const asked = { asOf: now + question.asOf * GRID, knownAt: now + question.knownAt * GRID };
  const view = viewAt(twin.book, asked.asOf, asked.knownAt);
  const scopes = [ALL, SCOPES[1 + (twin.steps % 4)]!];
  expect(await balancesOf(caller, customerId, asked, scopes)).toEqual(balancesIn(view, scopes));
  expect(await standingsOf(caller, customerId, asked)).toEqual(standingsIn(view));
}

describe('every figure at any (as_of, known_at) is the model’s', () => {
  const histories = longHistories(5, 20_260_101).map((steps) => steps.filter(isPlain));

  test.each(histories.map((steps, i) => [i, steps.length, steps] as const))(
    'in random history %i, of %i steps',
    async (i, _length, steps) => {
      const customerId = neighbour('customer', i);
      const twin = newTwin();
      await playThrough(caller, time, steps, customerId, (played) => compare(customerId, twin, played));

      const now = Math.max(time.now, twin.book.writes.at(-1) ?? time.now);
      const view = viewAt(twin.book, now, Infinity);
      expect(await balancesOf(caller, customerId)).toEqual(balancesIn(view, SCOPES));
      expect(await standingsOf(caller, customerId)).toEqual(standingsIn(view));
    },
  );
});
