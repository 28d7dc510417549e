import { sumAmounts, type Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';

/**
 * What the reference model keeps of a book: bare facts, each with the version that recorded it. Nothing that could be
 * computed (a remainder, an expiry, a booking) is stored.
 */
export type GrantFact = {
  readonly version: number;
  readonly recordedAt: Instant;
  readonly id: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly priority: number;
  readonly featureKeys: readonly string[];
  readonly effectiveAt: Instant;
  readonly expiresAt: Instant;
  /** When its funding met the availability policy: −∞ when that was so at creation, +∞ while it waits. */
  readonly fundedAt: Instant;
};

/** Credit leaves a grant for ever: a charge's source, the covering of its advance, or what a void forfeits. */
export type Take = {
  readonly version: number;
  readonly why: 'SOURCE' | 'COVER' | 'FORFEIT';
  readonly grantId: string;
  readonly chargeId: string | null;
  readonly at: Instant;
  readonly amount: Amount;
};

/** The part of a consumption that no credit covered when it was recorded. */
export type AdvanceFact = {
  readonly version: number;
  readonly recordedAt: Instant;
  readonly chargeId: string;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly at: Instant;
  readonly amount: Amount;
};

export type VoidFact = { readonly version: number; readonly grantId: string; readonly at: Instant };

export type Facts = {
  readonly grants: readonly GrantFact[];
  readonly takes: readonly Take[];
  readonly advances: readonly AdvanceFact[];
  readonly voids: readonly VoidFact[];
};

export const NO_FACTS: Facts = { grants: [], takes: [], advances: [], voids: [] };

/** The facts of the first `version` writes: what was known when that write was the last. */
export const upTo = (facts: Facts, version: number): Facts => ({
  grants: facts.grants.filter((fact) => fact.version <= version),
  takes: facts.takes.filter((fact) => fact.version <= version),
  advances: facts.advances.filter((fact) => fact.version <= version),
  voids: facts.voids.filter((fact) => fact.version <= version),
});

export function grantFact(facts: Facts, id: string): GrantFact {
  const grant = facts.grants.find((fact) => fact.id === id);
  if (grant === undefined) throw new Error(`the reference model knows no grant ${id}`);
  return grant;
}

export const voidedAt = (facts: Facts, grantId: string): Instant =>
  facts.voids.find((fact) => fact.grantId === grantId)?.at ?? Infinity;

/** When a grant becomes credit, as far as known; +∞ if it never will: not funded, called off before, or lapsed before. */
export function bookingOf(facts: Facts, grant: GrantFact): Instant {
  const booking = Math.max(grant.effectiveAt, grant.fundedAt);
  const calledOff = isCalledOff(facts, grant.id);
  return booking < grant.expiresAt && !calledOff ? booking : Infinity;
}

/** A void forfeits what an active grant holds; one that forfeits nothing called a pending grant off. */
const isCalledOff = (facts: Facts, grantId: string): boolean =>
  voidedAt(facts, grantId) < Infinity &&
  !facts.takes.some((take) => take.grantId === grantId && take.why === 'FORFEIT');

/** What was taken from a grant up to an instant, for one of the given reasons. */
export const takenBy = (facts: Facts, grantId: string, at: Instant, ...why: readonly Take['why'][]): Amount =>
  sumAmounts(
    facts.takes
      .filter((take) => take.grantId === grantId && take.at <= at && why.includes(take.why))
      .map((take) => take.amount),
  );

/** What of an advance no grant has covered by an instant. */
export const uncovered = (facts: Facts, advance: AdvanceFact, at: Instant): Amount =>
  advance.amount -
  sumAmounts(
    facts.takes
      .filter((take) => take.why === 'COVER' && take.chargeId === advance.chargeId && take.at <= at)
      .map((take) => take.amount),
  );
