/**
 * Every reason of refusal, and all that follows from it: the gRPC code, the keys of its metadata, and how long to wait
 * before asking again where that helps. A refusal is built by this table (refusal.ts): another key, or one that is
 * missing, is a type error. The status on the wire, docs/errors.md and the last line of each comment in
 * proto/credit/v1/error.proto are made from it.
 *
 * To add a reason: a row here; in the proto its value, with what it means and a line `Do: …` above it; then
 * `npm run generate`. Name it under `Refuses:` of the RPCs that may answer it, or in the comment of the service if all
 * may: every call of the tests is held against these lists. Produce it in test/service/reasons.test.ts, which fails until
 * somebody does.
 */
export const REASONS = {
  INVALID_FIELD: { code: 'INVALID_ARGUMENT', metadata: ['field', 'rule'] },
  UNSUPPORTED_FEATURE_FILTER: { code: 'INVALID_ARGUMENT', metadata: ['field', 'rule'] },
  PAGE_TOKEN_MISMATCH: { code: 'INVALID_ARGUMENT', metadata: ['field', 'rule'] },
  UNKNOWN_CURRENCY: { code: 'INVALID_ARGUMENT', metadata: ['field', 'rule'] },
  TOO_PRECISE: { code: 'INVALID_ARGUMENT', metadata: ['field', 'rule'] },
  GRANT_NOT_FOUND: { code: 'NOT_FOUND', metadata: ['id'] },
  CHARGE_NOT_FOUND: { code: 'NOT_FOUND', metadata: ['id'] },
  TRANSACTION_NOT_FOUND: { code: 'NOT_FOUND', metadata: ['id'] },
  IDEMPOTENCY_KEY_REUSED: { code: 'ALREADY_EXISTS', metadata: ['key', 'field'] },
  CURRENCY_EXISTS: { code: 'ALREADY_EXISTS', metadata: ['key', 'field'] },
  INSUFFICIENT_CREDIT: {
    code: 'FAILED_PRECONDITION',
    metadata: ['requested', 'eligible', 'currency', 'feature_key'],
  },
  GRANT_NOT_PENDING: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  GRANT_EXPIRED: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  GRANT_EXHAUSTED: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  GRANT_VOIDED: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  CHARGE_NOT_OPEN: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  SETTLEMENT_OUT_OF_ORDER: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  CORRECTION_TOO_LARGE: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  ROUTING_RULE: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  UNBALANCED: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  NOT_FUNDED: { code: 'FAILED_PRECONDITION', metadata: ['id', 'state'] },
  // A lost race: the winner is done within milliseconds.
  CONFLICT: { code: 'ABORTED', metadata: [], retryAfterMs: 50 },
  TOO_MANY_WATCHES: { code: 'RESOURCE_EXHAUSTED', metadata: ['limit'], retryAfterMs: 5_000 },
  // A full queue drains in tens of milliseconds unless the database is in trouble.
  OVERLOADED: { code: 'RESOURCE_EXHAUSTED', metadata: ['limit'], retryAfterMs: 250 },
  LIMIT_REACHED: { code: 'RESOURCE_EXHAUSTED', metadata: ['limit'] },
  UNAUTHENTICATED: { code: 'UNAUTHENTICATED', metadata: [] },
  FORBIDDEN: { code: 'PERMISSION_DENIED', metadata: ['permission', 'namespace'] },
  // Another instance, or the next start of this one, takes the retry.
  SHUTTING_DOWN: { code: 'UNAVAILABLE', metadata: [], retryAfterMs: 1_000 },
  DATABASE_UNAVAILABLE: { code: 'UNAVAILABLE', metadata: [], retryAfterMs: 1_000 },
  NOT_CAUGHT_UP: { code: 'UNAVAILABLE', metadata: [], retryAfterMs: 200 },
  INTERNAL: { code: 'INTERNAL', metadata: ['request_id'] },
  TOO_SLOW: { code: 'DEADLINE_EXCEEDED', metadata: [] },
  REQUEST_TOO_LARGE: { code: 'RESOURCE_EXHAUSTED', metadata: ['limit'] },
  UNKNOWN_METHOD: { code: 'UNIMPLEMENTED', metadata: ['method'] },
  MALFORMED_REQUEST: { code: 'INVALID_ARGUMENT', metadata: ['rule'] },
  UNSUPPORTED_PROTOCOL: { code: 'UNIMPLEMENTED', metadata: ['rule'] },
  DEADLINE_EXCEEDED: { code: 'DEADLINE_EXCEEDED', metadata: [] },
  FOREIGN_HOST: { code: 'PERMISSION_DENIED', metadata: ['host'] },
  SERVICE_NOT_FOUND: { code: 'NOT_FOUND', metadata: ['id'] },
} as const satisfies Readonly<Record<string, Reason>>;

/** What follows from a reason. */
export type Reason = {
  /** The name of a gRPC code. */
  readonly code: string;
  /** The keys of `ErrorInfo.metadata`, all of them always there. */
  readonly metadata: readonly string[];
  /** How long to wait before asking again; absent: waiting does not help. */
  readonly retryAfterMs?: number;
};

/** The names of `credit.v1.ErrorReason` without its prefix that code can refuse with: a fault is nobody's wish. */
export type ErrorReasonName = Exclude<keyof typeof REASONS, 'INTERNAL'>;

/** What is told beside the reason: every key of its row, and no other. */
export type MetadataOf<R extends ErrorReasonName> = (typeof REASONS)[R]['metadata'][number] extends never
  ? Readonly<Record<string, never>>
  : { readonly [Key in (typeof REASONS)[R]['metadata'][number]]: string };

/** The reasons that are about a field. */
export type FieldReason = {
  [R in ErrorReasonName]: keyof MetadataOf<R> extends 'field' | 'rule'
    ? 'field' extends keyof MetadataOf<R>
      ? R
      : never
    : never;
}[ErrorReasonName];

export const isFieldReason = (name: string): name is FieldReason =>
  Object.hasOwn(REASONS, name) && REASONS[name as keyof typeof REASONS].metadata.join() === 'field,rule';
