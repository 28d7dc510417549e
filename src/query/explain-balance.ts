import { sumAmounts, type Amount } from '../amount.ts';
import { grantsOf, pageOfOtherGrants, type StoredGrant } from '../tables/grants.ts';
import type { WrittenView } from '../book/view.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { promisesAt } from '../pending/index-reader.ts';
import type { CreditPromise } from '../pending/promise.ts';
import { inScope, type Scope } from '../scope.ts';
import {
  explainAdvances,
  explainCharges,
  sourcesOf,
  whyNotSettled,
  type Explained,
  type Exclusion,
  type ExplainedAdvance,
  type ExplainedCharge,
} from '../credit/explain.ts';
import type { Details, Grant } from '../credit/grant.ts';
import { asksBooked, type AskedBalance, type BalancePart } from '../credit/figures.ts';
import { balancesOf } from './get-balance.ts';
import { viewsOf } from './grant-views.ts';
import { detailsOf } from './details.ts';
import type { Parts } from '../book/state-at.ts';
import { ask, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import { standingAt } from './standing.ts';

export type ExplainQuestion = Asked & {
  readonly currency: string;
  readonly scope: Scope;
  readonly parts: ReadonlySet<BalancePart>;
};

/** Its addends of settled and pending; `exclusion`: why it adds nothing to settled. */
export type ExplainedGrant = {
  readonly grant: Grant;
  readonly exclusion: Exclusion | null;
  readonly settled: Amount;
  readonly pending: Amount;
};

export type Explanation = {
  readonly balance: AskedBalance;
  readonly grants: readonly ExplainedGrant[];
  /** Whether older grants that count in nothing are not listed. */
  readonly more: boolean;
  readonly advances: readonly (ExplainedAdvance & { readonly details: Details | undefined })[];
  readonly charges: readonly ExplainedCharge[];
};

/** How many grants that count in nothing are listed at most: what counts is always listed whole. */
const EXCLUDED_LIMIT = 1_000;

/**
 * A balance as the sum of named parts, at any instant, as known at any instant. The figures are those of GetBalance;
 * an explanation that does not add up to them is a fault, and is thrown rather than answered. A constant number of
 * statements; the work grows with what counts, not with what is history.
 */
export const explainBalance = (deps: QueryDeps, question: ExplainQuestion): Promise<Viewed<Explanation>> =>
  ask(deps, question, async (connection, view) => {
    const { currency, scope, parts } = question;
    const balances = balancesOf(connection, view, { currencies: [currency], scope, parts });
    if (view.bookId === null) {
      const [balance] = await balances;
      return { balance: balance!, grants: [], more: false, advances: [], charges: [] };
    }
    const asked = { currency, scope, at: view.asOf };
    const booked = asksBooked(question);
    const [[balance], standing, promises] = await awaitAll([
      balances,
      booked ? standingAt(connection, view) : Promise.resolve(NOTHING),
      parts.has('pending') ? promisesAt(connection, view, view.asOf, currency) : Promise.resolve([]),
    ]);
    const sources = sourcesOf(standing.grants, asked);
    const promised = promises.filter(({ featureKeys }) => inScope(scope, featureKeys));
    const but = [...sources.map(({ id }) => id), ...promised.map(({ grantId }) => grantId)];
    // One more than are listed.
    const others = booked
      ? await pageOfOtherGrants(connection, view, { ...asked, but, limit: EXCLUDED_LIMIT + 1 })
      : [];
    const explanation: Explanation = {
      balance: balance!,
      grants: [
        ...sources.map((grant) => ({ grant, exclusion: null, settled: grant.remaining, pending: 0n })),
        ...(await withoutSettled(connection, view, asked, promised, others.slice(0, EXCLUDED_LIMIT))),
      ],
      more: others.length > EXCLUDED_LIMIT,
      advances: await withNames(connection, view, explainAdvances(standing.advances, asked)),
      charges: parts.has('live') ? explainCharges(standing.grants, standing.charges, asked) : [],
    };
    checkAddsUp(explanation);
    return explanation;
  });

const NOTHING: Parts = { grants: [], advances: [], charges: [] };

/** The grants that are promised, in order of taking effect, and those that count in nothing, by reason. */
async function withoutSettled(
  connection: Connection,
  view: WrittenView,
  asked: Explained,
  promised: readonly CreditPromise[],
  others: readonly StoredGrant[],
): Promise<readonly ExplainedGrant[]> {
  const ids = promised.map(({ grantId }) => grantId);
  const named = await grantsOf(connection, view, ids);
  const views = await viewsOf(connection, view, [...named, ...others]);
  const pending = new Map(promised.map(({ grantId, amount }) => [grantId, amount]));
  const explained = new Map(
    views.map((standing) => [
      standing.grant.id,
      {
        grant: standing.grant,
        exclusion: whyNotSettled(standing, asked),
        settled: 0n,
        pending: pending.get(standing.grant.id) ?? 0n,
      },
    ]),
  );
  const listed = others.map(({ grant }) => explained.get(grant.id)!);
  return [
    ...promised.map(({ grantId }) => explained.get(grantId)!),
    ...listed.toSorted((a, b) => REASONS.indexOf(a.exclusion) - REASONS.indexOf(b.exclusion)),
  ];
}

/** The order in which what does not count is listed: what may yet count first. */
const REASONS: readonly Exclusion[] = [
  'NOT_YET_EFFECTIVE',
  'AWAITING_SETTLEMENT',
  'FEATURE_MISMATCH',
  'EXHAUSTED',
  'EXPIRED',
  'VOIDED',
];

/** Advances with what the caller wrote on the charges that made them. */
async function withNames(
  connection: Connection,
  view: WrittenView,
  advances: readonly ExplainedAdvance[],
): Promise<Explanation['advances']> {
  const charges = advances.map(({ advance: { chargeId } }) => ({ grantId: null, chargeId }));
  const named = await detailsOf(connection, view, charges);
  return advances.map((own) => ({ ...own, details: named(own.advance.chargeId) }));
}

function checkAddsUp({ balance, grants, advances, charges }: Explanation): void {
  const settled = sumAmounts([...grants, ...advances].map((addend) => addend.settled));
  const sums = {
    settled,
    live: settled - sumAmounts(charges.map(({ amount }) => amount)),
    pending: sumAmounts(grants.map((addend) => addend.pending)),
  };
  for (const part of ['settled', 'live', 'pending'] as const) {
    if (balance[part] !== undefined && balance[part] !== sums[part]) {
      throw new Error(`invariant: ${part} is ${balance[part]} and its addends come to ${sums[part]}`);
    }
  }
}
