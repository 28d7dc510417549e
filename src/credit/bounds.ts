import { refuse } from '../refusal.ts';
import type { BookState } from './book-state.ts';
import { openCharges, openGrants } from './pools.ts';

/** The most that may be open in one customer's book: what is held in memory, and looked at where there is not enough credit. */
export type Bounds = {
  /** Scheduled ones, and those with something remaining. */
  readonly grants: number;
  readonly charges: number;
};

export const UNBOUNDED: Bounds = { grants: Infinity, charges: Infinity };

/** Refuses with LIMIT_REACHED what leaves more open than there may be; what closes as it is made, or opened nothing, passes. */
export function refuseBeyond(
  what: keyof Bounds,
  before: Pick<BookState, keyof Bounds>,
  after: Pick<BookState, keyof Bounds>,
  bounds: Bounds,
): void {
  const open = countOf(what, after);
  const limit = bounds[what];
  if (open <= limit || open <= countOf(what, before)) return;
  refuse('LIMIT_REACHED', `this customer has ${limit} open ${what}, and there may be no more`, {
    limit: String(limit),
  });
}

const countOf = (what: keyof Bounds, { grants, charges }: Pick<BookState, keyof Bounds>): number =>
  what === 'grants' ? openGrants(grants) : openCharges(charges);
