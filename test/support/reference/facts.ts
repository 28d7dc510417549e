import { sumAmounts, type Amount } from '../../../src/amount.ts';
import type { ChargeType, SettlementMode } from '../../../src/credit/charge.ts';
import type { AvailabilityPolicy, FundingMethod, SettlementStatus } from '../../../src/credit/grant.ts';
import type { Instant } from '../../../src/instant.ts';

/**
 * What the reference model keeps of a book: bare facts, each with the version that recorded it. Nothing that could be
 * computed (a remainder, an expiry, a booking, what a charge has collected) is stored.
 */
type Fact = { readonly version: number };

export type GrantFact = Fact & {
  readonly recordedAt: Instant;
  readonly id: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly priority: number;
  readonly featureKeys: readonly string[];
  readonly method: FundingMethod;
  readonly policy: AvailabilityPolicy;
  /** Whether its funding had met the availability policy when it was created. */
  readonly metAtCreation: boolean;
};

/** The times of a grant in force from an instant on: as it was created, and after each reschedule. */
export type TimesFact = Fact & {
  readonly grantId: string;
  readonly from: Instant;
  readonly effectiveAt: Instant;
  readonly expiresAt: Instant;
};

/** How far a payment came, and when. */
export type SettlementFact = Fact & {
  readonly grantId: string;
  readonly status: SettlementStatus;
  readonly at: Instant;
};

/** A grant was voided, or its payment failed before it was credit. */
export type VoidFact = Fact & { readonly grantId: string; readonly at: Instant; readonly wasCredit: boolean };

/**
 * Credit leaves a grant: a charge's source, the covering of its advance, an adjustment, or what a void forfeits.
 * A RETURN, whose amount is negative, is given back by a correction and names the take it undoes by its place.
 */
export type Take = Fact & {
  readonly why: 'SOURCE' | 'COVER' | 'ADJUST' | 'FORFEIT' | 'RETURN';
  readonly grantId: string;
  readonly chargeId: string | null;
  /** Which of its charge's collections it belongs to, from 1. */
  readonly collection: number;
  readonly at: Instant;
  readonly amount: Amount;
  /** Of a RETURN: the place of the take it undoes. */
  readonly of: number | null;
};

/** The part of a collection that no credit covered when it was recorded. */
export type AdvanceFact = Fact & {
  readonly recordedAt: Instant;
  readonly chargeId: string;
  readonly collection: number;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly at: Instant;
  readonly amount: Amount;
};

/** A correction made an advance that nobody had covered smaller. */
export type ReductionFact = Fact & {
  readonly chargeId: string;
  readonly collection: number;
  readonly at: Instant;
  readonly amount: Amount;
};

/** Value that a take of credit made was recognized as revenue; below zero: taken back by a correction. */
export type RecognitionFact = Fact & {
  /** The place of the take. */
  readonly of: number;
  readonly amount: Amount;
};

export type ChargeFact = Fact & {
  readonly recordedAt: Instant;
  readonly id: string;
  readonly type: ChargeType;
  readonly mode: SettlementMode;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly startsAt: Instant;
  readonly holdExpiresAt: Instant;
};

/** What a charge is for, from an instant on. */
export type TotalFact = Fact & {
  readonly chargeId: string;
  readonly at: Instant;
  readonly amount: Amount;
  readonly sequence: number | null;
};

/** A collection dealt with so much; a correction with so much less. */
export type CollectedFact = Fact & {
  readonly chargeId: string;
  readonly collection: number | null;
  readonly at: Instant;
  readonly amount: Amount;
  readonly invoiced: Amount;
};

export type ClosedFact = Fact & {
  readonly chargeId: string;
  readonly at: Instant;
  readonly status: 'FINAL' | 'CANCELED';
};

export type Facts = {
  readonly grants: readonly GrantFact[];
  readonly times: readonly TimesFact[];
  readonly settlements: readonly SettlementFact[];
  readonly voids: readonly VoidFact[];
  readonly takes: readonly Take[];
  readonly advances: readonly AdvanceFact[];
  readonly reductions: readonly ReductionFact[];
  readonly recognitions: readonly RecognitionFact[];
  readonly charges: readonly ChargeFact[];
  readonly totals: readonly TotalFact[];
  readonly collected: readonly CollectedFact[];
  readonly closed: readonly ClosedFact[];
};

export const NO_FACTS: Facts = {
  grants: [],
  times: [],
  settlements: [],
  voids: [],
  takes: [],
  advances: [],
  reductions: [],
  recognitions: [],
  charges: [],
  totals: [],
  collected: [],
  closed: [],
};

/** The facts and one more of a kind. */
export const plus = <Kind extends keyof Facts>(
  facts: Facts,
  kind: Kind,
  ...more: readonly Facts[Kind][number][]
): Facts => ({ ...facts, [kind]: [...facts[kind], ...more] });

/** The facts of the first `version` writes: what was known when that write was the last. */
export function upTo(facts: Facts, version: number): Facts {
  const known = <F extends Fact>(all: readonly F[]): readonly F[] =>
    all.filter((fact) => fact.version <= version);
  return {
    grants: known(facts.grants),
    times: known(facts.times),
    settlements: known(facts.settlements),
    voids: known(facts.voids),
    takes: known(facts.takes),
    advances: known(facts.advances),
    reductions: known(facts.reductions),
    recognitions: known(facts.recognitions),
    charges: known(facts.charges),
    totals: known(facts.totals),
    collected: known(facts.collected),
    closed: known(facts.closed),
  };
}

export const grantFact = (facts: Facts, id: string): GrantFact | undefined =>
  facts.grants.find((fact) => fact.id === id);

export const chargeFact = (facts: Facts, id: string): ChargeFact | undefined =>
  facts.charges.find((fact) => fact.id === id);

export const sumOf = (facts: readonly { readonly amount: Amount }[]): Amount =>
  sumAmounts(facts.map((fact) => fact.amount));
