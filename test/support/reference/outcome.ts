import type { Amount } from '../../../src/amount.ts';
import type { Facts } from './facts.ts';

type Slices = readonly { readonly grantId: string; readonly amount: Amount }[];

/** What the law says about a refusal: its reason and the metadata it names. */
export type Refused = { readonly reason: string; readonly metadata: Readonly<Record<string, string>> };

export const refused = (reason: string, metadata: Readonly<Record<string, string>>): Refused => ({
  reason,
  metadata,
});

export const isRefused = (outcome: object): outcome is Refused => 'reason' in outcome;

/** What a collection took, and what became of the rest. */
export type Collected = {
  readonly allocations: Slices;
  readonly advanced: Amount;
  readonly invoiced: Amount;
};

/** What a correction gave back. */
export type Corrected = { readonly allocations: Slices; readonly advanceReduced: Amount };

/** The facts a command leads to (the same object when it changes nothing), and what its caller learns. */
export type Decided = {
  readonly facts: Facts;
  readonly collected?: Collected;
  readonly corrected?: Corrected;
  /** Units of revenue recognized. */
  readonly recognized?: Amount;
  /** What an adjustment took. */
  readonly taken?: Slices;
};
