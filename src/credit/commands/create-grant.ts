import type { Amount } from '../../amount.ts';
import { ALWAYS, earlier, formatInstant, LATEST, NEVER, type Instant } from '../../instant.ts';
import type { Tax } from '../../ledger/account.ts';
import { refuseFields } from '../../refusal.ts';
import { advance } from '../advance-to.ts';
import { book, grantOf, putGrant, type Work } from '../book-state.ts';
import { addDuration } from '../duration.ts';
import {
  isFunded,
  UNPAID,
  UNTOUCHED,
  type Details,
  type Funding,
  type FundingTerms,
  type Grant,
  type SettlementStatus,
} from '../grant.ts';
import { fundingAfter, paymentPostings } from '../payment.ts';
import { grantAnswer, itsCurrency, nothing, type CommandSpec } from '../spec.ts';

/** `expires_at`, or a calendar duration counted from `effective_at`, which may only be known when it is decided. */
export type Expiry =
  | { readonly kind: 'never' }
  | { readonly kind: 'at'; readonly instant: Instant }
  | { readonly kind: 'after'; readonly duration: string };

export type CreateGrant = {
  readonly kind: 'createGrant';
  readonly grantId: string;
  readonly currency: string;
  readonly amount: Amount;
  readonly priority: number;
  readonly featureKeys: readonly string[];
  readonly tax: Tax | null;
  readonly details: Details;
  /** Null: now. */
  readonly effectiveAt: Instant | null;
  readonly expiry: Expiry;
  readonly terms: FundingTerms;
  /** How far its payment had come when it was created; null: not begun. */
  readonly initialStatus: SettlementStatus | null;
};

export const createGrant = {
  method: 'CreateGrant',
  cause: 'GRANT_CREATED',
  needs: nothing,
  opens: 'grants',
  brings: (command) => {
    const { purchaseCurrency: code } = command.terms;
    const paidIn = code === null ? [] : [{ code, field: 'funding.purchase_currency' }];
    return [...itsCurrency(command), ...paidIn];
  },
  decide: (work, command, now) => grantAnswer(create(work, command, now)),
} satisfies CommandSpec<CreateGrant>;

/**
 * Records a grant. One effective by now becomes credit at its own past or present instant, covers advances and, if
 * its expiry has passed too, expires: back-dated history. Otherwise it is scheduled.
 */
function create(work: Work, command: CreateGrant, now: Instant): Grant {
  const { grantId: id, currency, amount, priority, featureKeys, tax, details } = command;
  const effectiveAt = command.effectiveAt ?? now;
  const unpaid: Funding = { ...command.terms, ...UNPAID };
  // A payment that had come this far before the grant was told came with it, not ahead of what it pays for.
  const occurredAt = earlier(effectiveAt, now);
  const { initialStatus: status } = command;
  const funding = status === null ? unpaid : fundingAfter(unpaid, { status, occurredAt, invoiceId: null });
  const grant: Grant = {
    id,
    currency,
    amount,
    priority,
    featureKeys,
    tax,
    details,
    funding,
    effectiveAt,
    expiresAt: expiryInstant(command.expiry, effectiveAt),
    recordedAt: now,
    phase: 'SCHEDULED',
    fundedAt: isFunded(funding) ? ALWAYS : NEVER,
    bookedAt: null,
    ...UNTOUCHED,
  };
  putGrant(work, grant);
  advance(work, now);
  if (funding.method !== 'NONE')
    for (const posting of paymentPostings(grant, unpaid, funding)) book(work, posting);
  return grantOf(work, id);
}

/** The instant an expiry means; refused unless it is later than `effectiveAt`. */
function expiryInstant(expiry: Expiry, effectiveAt: Instant): Instant {
  if (expiry.kind === 'never') return NEVER;
  const field = expiry.kind === 'at' ? 'expires_at' : 'expires_after';
  const instant = expiry.kind === 'at' ? expiry.instant : addDuration(effectiveAt, expiry.duration);
  if (instant === null || instant > LATEST) {
    return refuseFields([{ field, rule: 'timestamp.range', message: 'must end before the year 10000' }]);
  }
  if (instant > effectiveAt) return instant;
  const message = `must be later than effective_at (${formatInstant(effectiveAt)})`;
  return refuseFields([{ field, rule: `${field}.after_effective_at`, message }]);
}
