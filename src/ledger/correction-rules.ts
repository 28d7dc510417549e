import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from './account.ts';
import { balanced, type Leg, type Posting } from './posting.ts';
import { accrued, advanced, business, fbo, leg, type Credit, type Usage } from './routes.ts';

/** Part of a charge's value that a correction gives back, with the entries it takes back. */
export type GivenBack = {
  readonly amount: Amount;
  /** Of it, what had been recognized as revenue: taken back from earnings first. */
  readonly recognized: Amount;
  /** The first entry of the slice. */
  readonly entry: { readonly version: number; readonly position: number };
};

/** A slice of a grant comes back: its legs reversed, entry by entry. */
export function returnSource(usage: Usage, credit: Credit, given: GivenBack): Leg[] {
  const { grantId } = credit;
  return [
    ...derecognize(usage, credit, given.recognized),
    reversing(given, 0, leg(fbo(credit), given.amount, grantId, usage.chargeId)),
    reversing(given, 1, leg(accrued(usage, credit.costBasis), -given.amount, grantId, usage.chargeId)),
  ];
}

/** A covered slice of an advance comes back: the covering's legs reversed, and with them the debt it had covered. */
export function returnCover(usage: Usage, credit: Credit, given: GivenBack): Leg[] {
  const { grantId } = credit;
  const { chargeId } = usage;
  return [
    ...derecognize(usage, credit, given.recognized),
    reversing(given, 0, leg(fbo(credit), given.amount, grantId, chargeId)),
    reversing(given, 1, leg(advanced(usage), -given.amount, grantId, chargeId)),
    reversing(given, 2, leg(accrued(usage, null), given.amount, grantId, chargeId)),
    reversing(given, 3, leg(accrued(usage, credit.costBasis), -given.amount, grantId, chargeId)),
    leg(advanced(usage), given.amount, null, chargeId),
    leg(accrued(usage, null), -given.amount, null, chargeId),
  ];
}

/** What nothing had covered is owed no more. */
export const returnAdvance = (usage: Usage, given: Omit<GivenBack, 'recognized'>): Leg[] => [
  reversing(given, 0, leg(advanced(usage), given.amount, null, usage.chargeId)),
  reversing(given, 1, leg(accrued(usage, null), -given.amount, null, usage.chargeId)),
];

/** A correction, as one posting of all that comes back. */
export const correct = (legs: readonly Leg[], at: Instant): Posting =>
  balanced({ kind: 'CORRECT', bookedAt: at, legs });

/** Consumed value becomes revenue; it keeps its basis, its charge and its charge's tax. */
export const recognize = (
  slices: readonly { readonly usage: Usage; readonly credit: Credit; readonly amount: Amount }[],
  at: Instant,
): Posting =>
  balanced({
    kind: 'RECOGNIZE',
    bookedAt: at,
    legs: slices.flatMap(({ usage, credit, amount }) => derecognize(usage, credit, -amount)),
  });

const derecognize = (usage: Usage, credit: Credit, amount: Amount): Leg[] => [
  leg(earnings(usage, credit), -amount, credit.grantId, usage.chargeId),
  leg(accrued(usage, credit.costBasis), amount, credit.grantId, usage.chargeId),
];

const earnings = (usage: Usage, credit: Credit): SubAccount => ({
  ...business('EARNINGS', usage.currency, credit.costBasis),
  tax: usage.tax,
});

const reversing = ({ entry }: Pick<GivenBack, 'entry'>, offset: number, one: Leg): Leg => ({
  ...one,
  reverses: { version: entry.version, position: entry.position + offset },
});
