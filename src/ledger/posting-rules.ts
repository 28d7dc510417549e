import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { balanced, type Leg, type Posting } from './posting.ts';
import { accrued, advanced, business, fbo, leg, receivable, type Credit, type Usage } from './routes.ts';

/** An amount taken from one grant. */
export type Source = { readonly credit: Credit; readonly amount: Amount };

/** Credit comes into being; `promotional` credit is paid by nobody, so brokerage takes the debt at once. */
export function issue(credit: Credit, amount: Amount, promotional: boolean, at: Instant): Posting {
  const owed = receivable(credit, 'OPEN');
  const legs = [leg(fbo(credit), amount, credit.grantId, null), leg(owed, -amount, credit.grantId, null)];
  if (promotional) {
    legs.push(
      leg(owed, amount, credit.grantId, null),
      leg(business('BROKERAGE', credit.currency, credit.costBasis), -amount, credit.grantId, null),
    );
  }
  return balanced({ kind: 'ISSUE', bookedAt: at, legs });
}

/** Credit is used: per source FBO −a, Accrued +a; what no credit covers becomes an advance. */
export function consume(usage: Usage, sources: readonly Source[], advance: Amount, at: Instant): Posting {
  const legs = sources.flatMap(({ credit, amount }) => [
    leg(fbo(credit), -amount, credit.grantId, usage.chargeId),
    leg(accrued(usage, credit.costBasis), amount, credit.grantId, usage.chargeId),
  ]);
  if (advance > 0n) {
    legs.push(
      leg(advanced(usage), -advance, null, usage.chargeId),
      leg(accrued(usage, null), advance, null, usage.chargeId),
    );
  }
  return balanced({ kind: 'CONSUME', bookedAt: at, legs });
}

/** A grant pays an advance: its credit is gone, the debt too, and the consumed value gets a known basis. */
export function cover(usage: Usage, { credit, amount }: Source, at: Instant): Posting {
  return balanced({
    kind: 'COVER',
    bookedAt: at,
    legs: [
      leg(fbo(credit), -amount, credit.grantId, usage.chargeId),
      leg(advanced(usage), amount, credit.grantId, usage.chargeId),
      leg(accrued(usage, null), -amount, credit.grantId, usage.chargeId),
      leg(accrued(usage, credit.costBasis), amount, credit.grantId, usage.chargeId),
    ],
  });
}

/** What is left at `expires_at` becomes breakage. */
export const expire = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({ kind: 'EXPIRE', bookedAt: at, legs: forfeit(credit, amount) });

/** The slice of an expiry that a late-booked consumption from before `expires_at` takes back. */
export const undoExpiry = (credit: Credit, amount: Amount, at: Instant): Posting =>
  balanced({ kind: 'EXPIRE_UNDONE', bookedAt: at, legs: forfeit(credit, -amount) });

/**
 * What is left at the void, or comes back to a voided grant, is forfeited: breakage, or of one that was `released`
 * unpaid (RELEASE_UNPAID) no longer owed instead.
 */
export const voidCredit = (credit: Credit, amount: Amount, released: boolean, at: Instant): Posting =>
  balanced({
    kind: 'VOID',
    bookedAt: at,
    legs: released
      ? [
          leg(fbo(credit), -amount, credit.grantId, null),
          leg(receivable(credit, 'OPEN'), amount, credit.grantId, null),
        ]
      : forfeit(credit, amount),
  });

const forfeit = (credit: Credit, amount: Amount): Leg[] => [
  leg(fbo(credit), -amount, credit.grantId, null),
  leg(business('BREAKAGE', credit.currency, credit.costBasis), amount, credit.grantId, null),
];

/** Credit given as an adjustment: a promotional issue. */
export const adjustUp = (credit: Credit, amount: Amount, at: Instant, reason: string): Posting => ({
  ...issue(credit, amount, true, at),
  kind: 'ADJUST',
  reason,
});

/** Credit taken as an adjustment: nobody consumed it, so brokerage takes it. */
export const adjustDown = (sources: readonly Source[], at: Instant, reason: string): Posting =>
  balanced({
    kind: 'ADJUST',
    bookedAt: at,
    reason,
    legs: sources.flatMap(({ credit, amount }) => [
      leg(fbo(credit), -amount, credit.grantId, null),
      leg(business('BROKERAGE', credit.currency, credit.costBasis), amount, credit.grantId, null),
    ]),
  });
