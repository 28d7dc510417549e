import { requestOf, type Actor } from '../actor.ts';
import type { Charge } from '../credit/charge.ts';
import type { Details, Grant } from '../credit/grant.ts';
import type { Instant } from '../instant.ts';
import { digestOf, instantText, linkAfter, type Salt } from '../ledger/hash.ts';
import type { Answered, StoredAnswer, Write } from '../ledger/writes.ts';
import { bookKeyText, type BookKey } from '../tables/book-key.ts';
import type { ChargeEvent } from '../tables/charges.ts';
import type { Terms } from '../tables/grants.ts';
import type { Remembered } from '../tables/remembered.ts';

/**
 * The facts a write records beside its transactions, as its link of the hash chain says them: in one form, whether they
 * are about to be stored or read back from their rows. The first two parts say what a fact is and of which grant or
 * charge.
 */
export type Fact = readonly [what: string, of: string, ...said: readonly unknown[]];

/** What a grant was given with and keeps. */
export const grantFact = (salt: Salt, grant: Grant): Fact => {
  const { funding } = grant;
  const { method, policy, purchaseCurrency, purchasePrecision } = funding;
  return [
    'grant',
    grant.id,
    grant.recordedAt,
    grant.currency,
    text(grant.amount),
    grant.priority,
    grant.featureKeys,
    grant.tax,
    method,
    policy,
    purchaseCurrency,
    purchasePrecision,
    text(funding.costBasis),
    text(funding.purchaseAmount),
    ...saidOf(salt, grant),
  ];
};

/** Its times and its payment from a write on, and when that was recorded. */
export const termsFact = (grantId: string, since: Instant, { funding, ...times }: Terms): Fact => [
  'terms',
  grantId,
  ...[since, times.effectiveAt, times.expiresAt, times.fundedAt].map(instantText),
  funding.status,
  funding.issuedAt,
  funding.authorizedAt,
  funding.settledAt,
  funding.failedAt,
  funding.invoiceId,
];

type Voided = Pick<Grant, 'id' | 'voidedAt' | 'voidReason' | 'released'>;
export const voidFact = (salt: Salt, { id, voidedAt, voidReason, released }: Voided): Fact => [
  'void',
  id,
  voidedAt,
  released,
  voidReason === null ? null : digestOf(salt, `void of ${id}`, [voidReason]),
];

/** What a charge was made with and keeps; `opened`: it was open then, and its amount is told by its events. */
export const chargeFact = (salt: Salt, charge: Charge, opened: boolean): Fact => [
  'charge',
  charge.id,
  charge.recordedAt,
  charge.type,
  charge.mode,
  charge.currency,
  charge.precision,
  charge.featureKey,
  charge.tax,
  instantText(charge.startsAt),
  instantText(charge.holdExpiresAt),
  opened ? null : text(charge.amount),
  ...saidOf(salt, charge),
];

/** What happened to it while it was open. */
export const eventFact = (event: Omit<ChargeEvent, 'version'>): Fact => [
  'event',
  event.chargeId,
  text(event.amount),
  text(event.collected),
  event.bookedAt,
  event.sequence,
];

export const closingFact = ({ id, status, closedAt }: Pick<Charge, 'id' | 'status' | 'closedAt'>): Fact => [
  'closing',
  id,
  status,
  closedAt,
];

const saidOf = (salt: Salt, { id, details }: { readonly id: string; readonly details: Details }) => {
  const { idempotencyKey, name, description, labels } = details;
  // Postgres keeps labels in an order of its own.
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [idempotencyKey, digestOf(salt, id, [name, description, sorted])];
};

const text = (amount: bigint): string => amount.toString();

/** Whose book a link is of. `uuid`: the 32 hex digits of the book's. */
export type Identity = { readonly key: BookKey; readonly shard: number; readonly uuid: string };

const identityOf = ({ key, shard, uuid }: Identity) => [bookKeyText(key), shard, uuid];

const bytesOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** What the link of a write says of its answer, and all that stays of that once it is forgotten. */
export const answerDigest = (salt: Salt, method: string, { request, answer }: Answered): string =>
  digestOf(salt, 'answer', [method, bytesOf(request), bytesOf(answer)]);

export type HashedWrite = Omit<Write, 'hash' | 'answered'> & {
  readonly answered: StoredAnswer | null;
  readonly feedPosition: number;
  readonly facts: readonly Fact[];
};

/** Whom a caller names may be a person, who may have to be forgotten; callers and requests are not. */
const actorFact = (salt: Salt, of: Actor) => [
  of.caller,
  requestOf(of),
  of.actor === null ? null : digestOf(salt, 'actor', [of.actor]),
];

/** The link of a write, after those of its transactions. */
export function writeLink(before: Buffer, owner: Identity, write: HashedWrite): Buffer {
  const { version, recordedAt, method, idempotencyKey, feedPosition, salt, facts, answered, actor } = write;
  return linkAfter(before, 'write', [
    ...identityOf(owner),
    version,
    recordedAt,
    feedPosition,
    method,
    idempotencyKey,
    // Its place was kept: where nobody is told the link is what it was before writes told it.
    actor === null ? null : actorFact(salt, actor),
    answered && saidOfAnswer(salt, method, answered),
    facts.map((fact) => JSON.stringify(fact)).toSorted(),
  ]);
}

const saidOfAnswer = (salt: Salt, method: string, { request, answer }: StoredAnswer): string =>
  request === null ? bytesOf(answer) : answerDigest(salt, method, { request, answer });

/** The hash of an answer that no write tells of: it stands alone, no chain holds it. */
export const answerHash = (owner: Identity, key: string, answered: Remembered): Buffer =>
  linkAfter(Buffer.alloc(0), 'answer', [
    ...identityOf(owner),
    key,
    answered.method,
    bytesOf(answered.request),
    bytesOf(answered.answer),
  ]);
