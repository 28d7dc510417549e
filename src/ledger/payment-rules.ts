import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { balanced, type Posting } from './posting.ts';
import { business, leg, receivable, type Credit } from './routes.ts';

/** How a piece of credit is paid: `money` of the purchase currency for `amount` of credit. */
export type Payment = {
  readonly credit: Credit;
  readonly amount: Amount;
  readonly money: Amount;
  readonly currency: string;
};

/**
 * The payment is authorized: what the credit is worth beyond the money goes to brokerage, and the money owed moves on
 * from open to authorized. Paid in another currency, the debt in credit is exchanged for one in money first.
 */
export function paymentAuthorized({ credit, amount, money, currency }: Payment, at: Instant): Posting {
  const { grantId } = credit;
  const open = receivable(credit, 'OPEN');
  const owed = { ...open, currency };
  const brokerage = business('BROKERAGE', credit.currency, credit.costBasis);
  const exchange =
    currency === credit.currency
      ? [leg(open, amount - money, grantId, null), leg(brokerage, money - amount, grantId, null)]
      : [
          leg(open, amount, grantId, null),
          leg(brokerage, -amount, grantId, null),
          leg(owed, -money, grantId, null),
          leg({ ...brokerage, currency }, money, grantId, null),
        ];
  const stage = [
    leg(owed, money, grantId, null),
    leg({ ...owed, stage: 'AUTHORIZED' }, -money, grantId, null),
  ];
  return balanced({ kind: 'PAYMENT_AUTHORIZED', bookedAt: at, legs: [...exchange, ...stage] });
}

/** The authorized money has arrived. */
export const paymentSettled = ({ credit, money, currency }: Payment, at: Instant): Posting =>
  balanced({
    kind: 'PAYMENT_SETTLED',
    bookedAt: at,
    legs: [
      leg({ ...receivable(credit, 'AUTHORIZED'), currency }, money, credit.grantId, null),
      leg(business('WASH', currency, credit.costBasis), -money, credit.grantId, null),
    ],
  });

/** The payment has failed: whatever of it was booked is taken back. */
export const paymentFailed = (booked: readonly Posting[], at: Instant): Posting =>
  balanced({
    kind: 'PAYMENT_FAILED',
    bookedAt: at,
    legs: booked.flatMap(({ legs }) => legs.map((one) => ({ ...one, amount: -one.amount }))),
  });
