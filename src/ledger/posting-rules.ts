import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { SubAccount } from './account.ts';
import { balanced, type Leg, type Posting } from './posting.ts';
import { accrued, advanced, business, fbo, receivable, type Credit, type Usage } from './routes.ts';

/** The table of domain.md §5: the legs of each event, in pairs of which each is zero in sum. */

/** What the first account gains the second loses; of an amount below zero the reverse. */
const pair = (gains: SubAccount, amount: Amount, loses: SubAccount, about: About): Leg[] => [
  { account: gains, amount, grantId: about.grantId, chargeId: about.chargeId },
  { account: loses, amount: -amount, grantId: about.grantId, chargeId: about.chargeId },
];

type About = Pick<Leg, 'grantId' | 'chargeId'>;

const of = (credit: Credit | null, usage: Usage | null): About => ({
  grantId: credit?.grantId ?? null,
  chargeId: usage?.chargeId ?? null,
});

const brokerage = ({ currency, costBasis }: Credit): SubAccount => business('BROKERAGE', currency, costBasis);

/** An amount taken from one grant. */
export type Source = { readonly credit: Credit; readonly amount: Amount };

/** Credit comes into being; `promotional` credit is paid by nobody, so brokerage takes the debt at once. */
export function issue(credit: Credit, amount: Amount, promotional: boolean, at: Instant): Posting {
  const owed = receivable(credit, 'OPEN');
  const legs = pair(fbo(credit), amount, owed, of(credit, null));
  if (promotional) legs.push(...pair(owed, amount, brokerage(credit), of(credit, null)));
  return balanced({ kind: 'ISSUE', bookedAt: at, legs });
}

/** Credit is used, source by source; what no credit covers becomes an advance. */
export function consume(usage: Usage, sources: readonly Source[], advance: Amount, at: Instant): Posting {
  const legs = sources.flatMap(({ credit, amount }) =>
    pair(fbo(credit), -amount, accrued(usage, credit.costBasis), of(credit, usage)),
  );
  if (advance > 0n) legs.push(...pair(advanced(usage), -advance, accrued(usage, null), of(null, usage)));
  return balanced({ kind: 'CONSUME', bookedAt: at, legs });
}

/** A grant pays an advance: its credit is gone, the debt too, and the consumed value gets a known basis. */
export const cover = (usage: Usage, { credit, amount }: Source, at: Instant): Posting =>
  balanced({ kind: 'COVER', bookedAt: at, legs: covering(usage, credit, amount) });

const covering = (usage: Usage, credit: Credit, amount: Amount): Leg[] => [
  ...pair(fbo(credit), -amount, advanced(usage), of(credit, usage)),
  ...pair(accrued(usage, null), -amount, accrued(usage, credit.costBasis), of(credit, usage)),
];

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
export const voidCredit = (credit: Credit, amount: Amount, released: boolean, at: Instant): Posting => {
  const legs = released
    ? pair(fbo(credit), -amount, receivable(credit, 'OPEN'), of(credit, null))
    : forfeit(credit, amount);
  return balanced({ kind: 'VOID', bookedAt: at, legs });
};

const forfeit = (credit: Credit, amount: Amount): Leg[] =>
  pair(fbo(credit), -amount, business('BREAKAGE', credit.currency, credit.costBasis), of(credit, null));

/** Credit given as an adjustment: a promotional issue. */
export const adjustUp = (credit: Credit, amount: Amount, at: Instant, reason: string): Posting => ({
  ...issue(credit, amount, true, at),
  kind: 'ADJUST',
  reason,
});

/** Credit taken as an adjustment: nobody consumed it, so brokerage takes it. */
export function adjustDown(sources: readonly Source[], at: Instant, reason: string): Posting {
  const legs = sources.flatMap(({ credit, amount }) =>
    pair(fbo(credit), -amount, brokerage(credit), of(credit, null)),
  );
  return balanced({ kind: 'ADJUST', bookedAt: at, reason, legs });
}

/** How a piece of credit is paid: `money` of the purchase currency for `amount` of credit. */
export type Payment = Source & { readonly money: Amount; readonly currency: string };

/**
 * The payment is authorized: what the credit is worth beyond the money goes to brokerage, and the money owed moves on
 * from open to authorized. Paid in another currency, the debt in credit is exchanged for one in money first.
 */
export function paymentAuthorized({ credit, amount, money, currency }: Payment, at: Instant): Posting {
  const about = of(credit, null);
  const open = receivable(credit, 'OPEN');
  const owed = { ...open, currency };
  const exchange =
    currency === credit.currency
      ? pair(open, amount - money, brokerage(credit), about)
      : [
          ...pair(open, amount, brokerage(credit), about),
          ...pair(owed, -money, { ...brokerage(credit), currency }, about),
        ];
  const stage = pair(owed, money, { ...owed, stage: 'AUTHORIZED' }, about);
  return balanced({ kind: 'PAYMENT_AUTHORIZED', bookedAt: at, legs: [...exchange, ...stage] });
}

/** The authorized money has arrived. */
export function paymentSettled({ credit, money, currency }: Payment, at: Instant): Posting {
  const authorized = { ...receivable(credit, 'AUTHORIZED'), currency };
  const wash = business('WASH', currency, credit.costBasis);
  const legs = pair(authorized, money, wash, of(credit, null));
  return balanced({ kind: 'PAYMENT_SETTLED', bookedAt: at, legs });
}

/** The payment has failed: whatever of it was booked is taken back. */
export const paymentFailed = (booked: readonly Posting[], at: Instant): Posting =>
  balanced({
    kind: 'PAYMENT_FAILED',
    bookedAt: at,
    legs: booked.flatMap(({ legs }) => legs.map((leg) => ({ ...leg, amount: -leg.amount }))),
  });

/** Part of a charge's value that a correction gives back, with the entries it takes back. */
export type GivenBack = {
  readonly amount: Amount;
  /** Of it, what had been recognized as revenue: taken back from earnings first. */
  readonly recognized: Amount;
  /** The first entry of the slice. */
  readonly entry: { readonly version: number; readonly position: number };
};

/** A slice of a grant comes back: its legs reversed, entry by entry. */
export const returnSource = (usage: Usage, credit: Credit, given: GivenBack): Leg[] => [
  ...earn(usage, credit, -given.recognized),
  ...reversing(given, pair(fbo(credit), given.amount, accrued(usage, credit.costBasis), of(credit, usage))),
];

/** A covered slice of an advance comes back: the covering's legs reversed, and with them the debt it had covered. */
export const returnCover = (usage: Usage, credit: Credit, given: GivenBack): Leg[] => [
  ...earn(usage, credit, -given.recognized),
  ...reversing(given, covering(usage, credit, -given.amount)),
  ...pair(advanced(usage), given.amount, accrued(usage, null), of(null, usage)),
];

/** What nothing had covered is owed no more. */
export const returnAdvance = (usage: Usage, given: Omit<GivenBack, 'recognized'>): Leg[] =>
  reversing(given, pair(advanced(usage), given.amount, accrued(usage, null), of(null, usage)));

const reversing = ({ entry }: Pick<GivenBack, 'entry'>, legs: readonly Leg[]): Leg[] =>
  legs.map((leg, offset) => ({
    ...leg,
    reverses: { version: entry.version, position: entry.position + offset },
  }));

/** A correction, as one posting of all that comes back. */
export const correct = (legs: readonly Leg[], at: Instant): Posting =>
  balanced({ kind: 'CORRECT', bookedAt: at, legs });

/** Consumed value becomes revenue; it keeps its basis, its charge and its charge's tax. */
export function recognize(slices: readonly (Source & { readonly usage: Usage })[], at: Instant): Posting {
  const legs = slices.flatMap(({ usage, credit, amount }) => earn(usage, credit, amount));
  return balanced({ kind: 'RECOGNIZE', bookedAt: at, legs });
}

const earn = (usage: Usage, credit: Credit, amount: Amount): Leg[] => {
  const earnings = { ...business('EARNINGS', usage.currency, credit.costBasis), tax: usage.tax };
  return pair(earnings, amount, accrued(usage, credit.costBasis), of(credit, usage));
};
