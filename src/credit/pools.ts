import { sumAmounts, type Amount } from '../amount.ts';
import { ALWAYS, earlier, later, NEVER, type Instant } from '../instant.ts';
import { inScope, keysOf, mayPay, type Scope } from '../scope.ts';
import { inOrder, merged, rankOf, Walk } from '../tree.ts';
import { burnOrder, burnOrderAt } from './burn-order.ts';
import { advanceKey, orderOfStart, type Advance, type Charge } from './charge.ts';
import { isOpen, nextDueOf, pendingAmount, type Grant } from './grant.ts';
import { Pooled, type FactKind, type FactPool } from './pooled.ts';

/** How the grants, advances and charges of a book are kept: what a command needs of them without looking at all. */

/** What the grants of a pool, or some of them, come to. */
type GrantSum = {
  /** How many are open. */
  readonly open: number;
  readonly remaining: Amount;
  /** Of those that are scheduled. */
  readonly promised: Amount;
  /** Whether anything has not been taken of one that became credit, expired since or not. */
  readonly untaken: boolean;
  readonly nextDue: Instant;
  /** Later than this all are in the burn order by which they are kept; ALWAYS where none is known to have left it. */
  readonly rescheduledAt: Instant;
};

export type Grants = Pooled<Grant, GrantSum>;

const GRANTS: FactKind<Grant, GrantSum> = {
  idOf: ({ id }) => id,
  poolOf: (grant) => grant,
  order: burnOrder,
  rank: ({ id }) => rankOf(id),
  sum(grant, left, right) {
    const own = {
      open: Number(isOpen(grant)),
      remaining: grant.remaining,
      promised: pendingAmount(grant),
      untaken: grant.bookedAt !== null && grant.remaining + grant.expired > 0n,
      nextDue: nextDueOf(grant),
      rescheduledAt: grant.formerTimes.at(-1)?.until ?? ALWAYS,
    };
    if (left === null) return right === null ? own : together(own, right);
    return right === null ? together(left, own) : together(together(left, own), right);
  },
};

const together = (a: GrantSum, b: GrantSum): GrantSum => ({
  open: a.open + b.open,
  remaining: a.remaining + b.remaining,
  promised: a.promised + b.promised,
  untaken: a.untaken || b.untaken,
  nextDue: earlier(a.nextDue, b.nextDue),
  rescheduledAt: later(a.rescheduledAt, b.rescheduledAt),
});

export const grantsOf = (grants: Iterable<Grant> = []): Grants => Pooled.of(GRANTS, grants);

/** How many can still change by themselves or be drawn on. */
export const openGrants = (grants: Grants): number =>
  grants.poolsWhere(all).reduce((count, { facts }) => count + facts.sum.open, 0);

/** When something is to be booked of one next. */
export const nextDueAmong = (grants: Grants): Instant =>
  grants.poolsWhere(all).reduce((next, { facts }) => earlier(next, facts.sum.nextDue), NEVER);

/** Those of which something is to be booked by an instant, inclusive; a few others may be among them. */
export const dueAmong = (grants: Grants, by: Instant): readonly Grant[] =>
  grants
    .poolsWhere(({ facts }) => facts.sum.nextDue <= by)
    .flatMap(({ facts }) => inOrder(facts, ({ nextDue }) => nextDue <= by));

/** What of a usage a pool of grants, or of debts a grant, has to fit. */
type Usage = Pick<Charge, 'currency' | 'featureKey'>;

/**
 * Credit that may pay for a usage and of which something is untaken, in the burn order of an instant, one after the other
 * as they are asked for; some that have nothing may be among them.
 */
export function inBurnOrder(grants: Grants, usage: Usage, at: Instant): Iterable<Grant> {
  const pools = poolsFor(grants, usage);
  // Told late, credit that was rescheduled since stood elsewhere.
  if (pools.some(({ facts }) => facts.sum.rescheduledAt > at))
    return pools.flatMap(({ facts }) => inOrder(facts)).toSorted(burnOrderAt(at));
  return merged(
    pools.map(({ facts }) => new Walk(facts, ({ untaken }) => untaken)),
    burnOrder,
  );
}

/** The same in no particular order. */
export const untakenFor = (grants: Grants, usage: Usage): readonly Grant[] =>
  poolsFor(grants, usage).flatMap(({ facts }) => inOrder(facts, ({ untaken }) => untaken));

const poolsFor = (grants: Grants, { currency, featureKey }: Usage): readonly FactPool<Grant, GrantSum>[] =>
  grants.poolsWhere(
    (pool) => pool.currency === currency && mayPay(pool.featureKeys, featureKey) && pool.facts.sum.untaken,
  );

/** What remains of the credit in a scope. */
export const remainingIn = (grants: Grants, currency: string, scope: Scope): Amount =>
  sumAmounts(grants.poolsWhere(inside(currency, scope)).map(({ facts }) => facts.sum.remaining));

/** What is promised in a scope. */
export const promisedIn = (grants: Grants, currency: string, scope: Scope): Amount =>
  sumAmounts(grants.poolsWhere(inside(currency, scope)).map(({ facts }) => facts.sum.promised));

/** Advances by the amounts that nothing has covered, oldest first in their pools. */
export type Advances = Pooled<Advance, Amount>;

const ADVANCES: FactKind<Advance, Amount> = {
  idOf: advanceKey,
  poolOf: ({ currency, featureKey }) => ({ currency, featureKeys: keysOf(featureKey) }),
  // By instant, then version; those of one version in the order they were booked.
  order: (a, b) => a.at - b.at || a.entry.version - b.entry.version || a.entry.position - b.entry.position,
  rank: (advance) => rankOf(advanceKey(advance)),
  sum: ({ uncovered }, left, right) => (left ?? 0n) + uncovered + (right ?? 0n),
};

export const advancesOf = (advances: Iterable<Advance> = []): Advances => Pooled.of(ADVANCES, advances);

/** The debts that a grant's credit may pay, oldest first; some that are paid may be among them. */
export const owedTo = (advances: Advances, { currency, featureKeys }: Grant): Iterable<Advance> =>
  merged(
    advances
      .poolsWhere((pool) => pool.currency === currency && pool.facts.sum > 0n)
      .filter((pool) => mayPay(featureKeys, pool.featureKeys[0] ?? null))
      .map(({ facts }) => new Walk(facts, (uncovered) => uncovered > 0n)),
    ADVANCES.order,
  );

/** What is owed in a scope. */
export const owedIn = (advances: Advances, currency: string, scope: Scope): Amount =>
  sumAmounts(advances.poolsWhere(inside(currency, scope)).map(({ facts }) => facts.sum));

/** Charges by how many are open, in order of start in their pools. */
export type Charges = Pooled<Charge, number>;

const CHARGES: FactKind<Charge, number> = {
  idOf: ({ id }) => id,
  poolOf: ({ currency, featureKey }) => ({ currency, featureKeys: keysOf(featureKey) }),
  order: (a, b) => orderOfStart(a, b) || (a.id < b.id ? -1 : Number(a.id > b.id)),
  rank: ({ id }) => rankOf(id),
  sum: ({ status }, left, right) => (left ?? 0) + Number(status === 'OPEN') + (right ?? 0),
};

export const chargesOf = (charges: Iterable<Charge> = []): Charges => Pooled.of(CHARGES, charges);

export const openCharges = (charges: Charges): number =>
  charges.poolsWhere(all).reduce((count, { facts }) => count + facts.sum, 0);

/** Those that are open in a scope; some others may be among them. */
export const openIn = (charges: Charges, currency: string, scope: Scope): readonly Charge[] =>
  charges.poolsWhere(inside(currency, scope)).flatMap(({ facts }) => inOrder(facts, (open) => open > 0));

const all = (): boolean => true;

const inside =
  (currency: string, scope: Scope) =>
  (pool: Pick<FactPool<unknown, unknown>, 'currency' | 'featureKeys'>): boolean =>
    pool.currency === currency && inScope(scope, pool.featureKeys);
