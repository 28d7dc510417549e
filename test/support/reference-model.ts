import { formatAmount, sumAmounts, type Amount } from '../../src/amount.ts';
import type { Command, Consume, CreateGrant, VoidGrant } from '../../src/credit/command.ts';
import type { Funding } from '../../src/credit/grant.ts';
import type { Instant } from '../../src/instant.ts';
import { mayPay } from '../../src/scope.ts';
import { statusOf, type View } from './reference/answers.ts';
import { coverIdle, creditAt, leastUntaken } from './reference/credit.ts';
import { grantFact, NO_FACTS, upTo, type Facts, type Take } from './reference/facts.ts';

/**
 * The rules of domain.md in the plainest form that can be right: facts in arrays, every figure found by scanning
 * them. It shares no rule with src/credit, is slow on purpose and answers for every (as_of, known_at).
 */
export type ReferenceBook = {
  /** recorded_at of every write; the first has version 1. */
  readonly writes: readonly Instant[];
  readonly facts: Facts;
};

export const EMPTY_REFERENCE: ReferenceBook = { writes: [], facts: NO_FACTS };

/** What the law says about a refusal: its reason and the metadata it names. */
export type Refused = { readonly reason: string; readonly metadata: Readonly<Record<string, string>> };

/** What a consumption took, and what became of the rest. */
export type Collected = {
  readonly allocations: readonly { readonly grantId: string; readonly amount: Amount }[];
  readonly advanced: Amount;
  readonly invoiced: Amount;
};

export type Written = {
  readonly book: ReferenceBook;
  readonly changed: boolean;
  readonly collected: Collected | null;
};

/** Now, in a book: the later of the clock and the book's last recorded_at. */
export const nowIn = (book: ReferenceBook, clock: Instant): Instant =>
  Math.max(clock, book.writes.at(-1) ?? clock);

/** Accepts a command at an instant, or says why not. */
export function write(book: ReferenceBook, command: Command, now: Instant): Written | Refused {
  const version = book.writes.length + 1;
  // What has fallen due since the last write becomes a fact of the write that finds it.
  const due = coverIdle(book.facts, version, now);
  const decided = decideOn(due, command, version, now);
  if ('reason' in decided) return decided;
  const { facts, collected = null } = decided;
  if (facts === due) return { book, changed: false, collected };
  const settled = coverIdle(facts, version, now);
  return { book: { writes: [...book.writes, now], facts: settled }, changed: true, collected };
}

/** The book at an instant, as known at another: later writes are unheard of, what falls due until then is foreseen. */
export function viewAt(book: ReferenceBook, asOf: Instant, knownAt: Instant): View {
  const version = book.writes.filter((recordedAt) => recordedAt <= knownAt).length;
  return { facts: coverIdle(upTo(book.facts, version), version + 1, asOf), at: asOf };
}

type Decided = { readonly facts: Facts; readonly collected?: Collected };

function decideOn(facts: Facts, command: Command, version: number, now: Instant): Decided | Refused {
  switch (command.kind) {
    case 'createGrant':
      return createGrant(facts, command, version, now);
    case 'voidGrant':
      return voidGrant(facts, command, version, now);
    case 'consume':
      return consume(facts, command, version, now);
  }
}

function createGrant(facts: Facts, command: CreateGrant, version: number, now: Instant): Decided | Refused {
  const { grantId: id, currency, amount, priority, featureKeys, expiry } = command;
  const effectiveAt = command.effectiveAt ?? now;
  // Calendar durations have a table of examples of their own.
  if (expiry.kind === 'after') throw new Error('the reference model reads expiries as instants');
  const expiresAt = expiry.kind === 'at' ? expiry.instant : Infinity;
  if (expiresAt <= effectiveAt) return { reason: 'INVALID_FIELD', metadata: { field: 'expires_at' } };
  const fundedAt = isMetAtCreation(command.funding) ? -Infinity : Infinity;
  const grant = {
    version,
    recordedAt: now,
    id,
    currency,
    amount,
    priority,
    featureKeys,
    effectiveAt,
    expiresAt,
    fundedAt,
  };
  return { facts: { ...facts, grants: [...facts.grants, grant] } };
}

/** The table of availability policies (domain.md §3); a later event implies the earlier ones. */
function isMetAtCreation({ method, policy, status }: Funding): boolean {
  const settled = status === 'SETTLED';
  const authorized = settled || status === 'AUTHORIZED';
  const issued = authorized || status === 'ISSUED';
  if (policy === 'ON_SETTLEMENT') return settled;
  if (policy === 'ON_AUTHORIZATION') return authorized;
  return method === 'INVOICE' ? issued : true;
}

function voidGrant(facts: Facts, { grantId }: VoidGrant, version: number, now: Instant): Decided | Refused {
  const metadata = { id: grantId };
  if (!facts.grants.some((grant) => grant.id === grantId)) return { reason: 'GRANT_NOT_FOUND', metadata };
  const grant = grantFact(facts, grantId);
  const status = statusOf({ facts, at: now }, grant);
  if (status === 'VOIDED') return { facts };
  if (status === 'EXPIRED') return { reason: 'GRANT_EXPIRED', metadata };
  const voids = [...facts.voids, { version, grantId, at: now }];
  if (status === 'PENDING') return { facts: { ...facts, voids } };
  const amount = leastUntaken(facts, grant, now);
  if (amount === 0n) return { reason: 'GRANT_EXHAUSTED', metadata };
  const take: Take = { version, why: 'FORFEIT', grantId, chargeId: null, at: now, amount };
  return { facts: { ...facts, voids, takes: [...facts.takes, take] } };
}

function consume(facts: Facts, command: Consume, version: number, now: Instant): Decided | Refused {
  const { chargeId, currency, amount, featureKey, mode } = command;
  const at = command.bookedAt ?? now;
  if (at > now) return { reason: 'INVALID_FIELD', metadata: { field: 'booked_at' } };
  const takes: Take[] = [];
  let missing = amount;
  for (const grant of creditAt(facts, at)) {
    if (grant.currency !== currency || !mayPay(grant.featureKeys, featureKey)) continue;
    const there = leastUntaken(facts, grant, at);
    const slice = there < missing ? there : missing;
    if (slice === 0n) continue;
    takes.push({ version, why: 'SOURCE', grantId: grant.id, chargeId, at, amount: slice });
    missing -= slice;
  }
  if (missing > 0n && mode === 'PREPAID_ONLY') {
    const eligible = formatAmount(sumAmounts(takes.map((take) => take.amount)));
    const metadata = { requested: formatAmount(amount), eligible, currency, feature_key: featureKey ?? '' };
    return { reason: 'INSUFFICIENT_CREDIT', metadata };
  }
  const advanced = mode === 'CREDIT_ONLY' ? missing : 0n;
  const advance = { version, recordedAt: now, chargeId, currency, featureKey, at, amount: advanced };
  return {
    facts: {
      ...facts,
      takes: [...facts.takes, ...takes],
      advances: advanced > 0n ? [...facts.advances, advance] : facts.advances,
    },
    collected: {
      allocations: takes.map((take) => ({ grantId: take.grantId, amount: take.amount })),
      advanced,
      invoiced: missing - advanced,
    },
  };
}
