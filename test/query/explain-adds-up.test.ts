import { describe, expect, test } from 'vitest';
import { formatAmount, parseAmount, sumAmounts } from '../../src/amount.ts';
import { inScope, type Scope } from '../../src/scope.ts';
import { balancesOf, filterOf, momentOf, SCOPES, type Asked } from '../support/figures.ts';
import { CURRENCIES, GRID } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { viewAt } from '../support/reference-model.ts';
import { existsAt, partsOf, statusOf, type View } from '../support/reference/answers.ts';
import type { GrantFact } from '../support/reference/facts.ts';
import { timesOf } from '../support/reference/grants.ts';
import type { Json } from '../support/service.ts';
import { isPlain, newTwin, tell } from '../support/twin.ts';
import { testWorld } from '../support/world.ts';

/** An explanation is GetBalance taken apart: at random points of both time axes, in every scope and currency. */

const { caller, time } = await testWorld();

const sumOf = (amounts: readonly string[]): bigint => sumAmounts(amounts.map(parseAmount));

/** What the addends of an answer come to. */
function addedUp({ grants = [], advances = [], charges = [] }: Json): object {
  const settled = sumOf([...grants, ...advances].map(({ settledAmount }: Json) => settledAmount));
  return {
    settled: formatAmount(settled),
    live: formatAmount(settled + sumOf(charges.map(({ liveAmount }: Json) => liveAmount))),
    pending: formatAmount(sumOf(grants.map(({ pendingAmount }: Json) => pendingAmount))),
  };
}

/** Why a grant has nothing in settled, by the model; null: it has. */
function reasonOf(view: View, grant: GrantFact, scope: Scope): string | null {
  const status = statusOf(view, grant)!;
  if (!inScope(scope, grant.featureKeys)) return 'FEATURE_MISMATCH';
  if (status === 'VOIDED' || status === 'EXPIRED') return status;
  if (status === 'PENDING')
    return timesOf(view.facts, grant.id).effectiveAt > view.at ? 'NOT_YET_EFFECTIVE' : 'AWAITING_SETTLEMENT';
  return partsOf(view, grant).remaining === 0n ? 'EXHAUSTED' : null;
}

const reasonsIn = (view: View, currency: string, scope: Scope): ReadonlyMap<string, string | null> =>
  new Map(
    view.facts.grants
      .filter((grant) => grant.currency === currency && existsAt(view, grant))
      .map((grant) => [grant.id, reasonOf(view, grant, scope)]),
  );

const reasonsTold = ({ grants = [] }: Json): ReadonlyMap<string, string | null> =>
  new Map(
    grants.map(({ grantId, exclusion }: Json) => [
      grantId,
      exclusion?.replace('EXCLUSION_REASON_', '') ?? null,
    ]),
  );

async function compare(customerId: string, asked: Asked, scope: Scope, view: View): Promise<void> {
  const [balances] = await balancesOf(caller, customerId, asked, [scope]);
  for (const [i, currency] of CURRENCIES.entries()) {
    const request = { customerId, currency, ...momentOf(asked), ...filterOf(scope) };
    const explained = await caller.answer('ExplainBalance', request);
    expect(explained['balance']).toEqual(balances![i]);
    expect({ currency, ...addedUp(explained) }).toEqual(balances![i]);
    expect(reasonsTold(explained)).toEqual(reasonsIn(view, currency, scope));
    for (const { liveAmount, allocations = [], uncoveredAmount } of explained['charges'] ?? []) {
      const taken = sumOf(allocations.map(({ amount }: Json) => amount)) + parseAmount(uncoveredAmount);
      expect(taken).toBe(-parseAmount(liveAmount));
    }
  }
}

describe('addends come to the figures, and what is left out has the model’s reason', () => {
  const histories = longHistories(4, 20_260_111).map((steps) => steps.filter(isPlain));

  test.each(histories.map((steps, i) => [i, steps] as const))('in random history %i', async (i, steps) => {
    const customerId = neighbour('explained', i);
    const twin = newTwin();
    await playThrough(caller, time, steps, customerId, async (played) => {
      tell(twin, played);
      const { now, step } = played;
      const { question } = step;
      // Every other time the whole history is known, and the instant lies in it.
      const asked: Asked & { readonly asOf: number } =
        twin.steps % 2 === 0
          ? { asOf: now + question.asOf * GRID, knownAt: now + question.knownAt * GRID }
          : { asOf: now - Math.abs(question.asOf) * GRID };
      const scope = SCOPES[twin.steps % SCOPES.length]!;
      const view = viewAt(twin.book, asked.asOf, asked.knownAt ?? Infinity);
      await compare(customerId, asked, scope, view);
    });
    expect(twin.steps).toBe(steps.length);
  });
});
