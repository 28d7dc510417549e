/** Why a request was refused. The names are those of `credit.v1.ErrorReason` without its prefix. */
export type ErrorReasonName =
  | 'INVALID_FIELD'
  | 'UNSUPPORTED_FEATURE_FILTER'
  | 'PAGE_TOKEN_MISMATCH'
  | 'UNKNOWN_CURRENCY'
  | 'TOO_PRECISE'
  | 'GRANT_NOT_FOUND'
  | 'CHARGE_NOT_FOUND'
  | 'TRANSACTION_NOT_FOUND'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'CURRENCY_EXISTS'
  | 'INSUFFICIENT_CREDIT'
  | 'GRANT_NOT_PENDING'
  | 'GRANT_EXPIRED'
  | 'GRANT_EXHAUSTED'
  | 'GRANT_VOIDED'
  | 'CHARGE_NOT_OPEN'
  | 'SETTLEMENT_OUT_OF_ORDER'
  | 'CORRECTION_TOO_LARGE'
  | 'ROUTING_RULE'
  | 'UNBALANCED'
  | 'NOT_FUNDED'
  | 'CONFLICT'
  | 'RATE_LIMITED'
  | 'TOO_MANY_WATCHES'
  | 'OVERLOADED'
  | 'LIMIT_REACHED'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'SHUTTING_DOWN'
  | 'DATABASE_UNAVAILABLE'
  | 'NOT_CAUGHT_UP'
  | 'TOO_SLOW'
  | 'REQUEST_TOO_LARGE'
  | 'UNKNOWN_METHOD'
  | 'MALFORMED_REQUEST'
  | 'UNSUPPORTED_PROTOCOL'
  | 'DEADLINE_EXCEEDED'
  | 'FOREIGN_HOST'
  | 'SERVICE_NOT_FOUND';

/** One wrong field: its path in proto snake_case, the rule's id and a sentence for people. */
export type FieldViolation = { readonly field: string; readonly rule: string; readonly message: string };

/** A typed no: data that the wire turns into a gRPC status, and that changes nothing. */
export type Refusal = {
  readonly reason: ErrorReasonName;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number;
};

/** Carries a refusal up the stack; the only error whose text may reach a caller. */
export class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'RefusalError';
    this.refusal = refusal;
  }
}

/** Throws the refusal; `never` so that callers read like a guard clause. */
export function refuse(
  reason: ErrorReasonName,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
  more: Pick<Refusal, 'violations' | 'retryAfterMs'> = {},
): never {
  throw new RefusalError({ reason, message, metadata, ...more });
}

/** A violation as a sentence. One of the whole request has no field. */
export const sentenceOf = ({ field, message }: FieldViolation): string =>
  field === '' ? message : `${field}: ${message}`;

/** Refuses with every violation at once; the first names the field and rule in the metadata. */
export function refuseFields(
  violations: readonly FieldViolation[],
  reason: ErrorReasonName = 'INVALID_FIELD',
): never {
  const first = violations[0];
  return refuse(
    reason,
    violations.map(sentenceOf).join('; '),
    first === undefined ? {} : { field: first.field, rule: first.rule },
    { violations },
  );
}

export const isRefusal = (error: unknown): error is RefusalError => error instanceof RefusalError;
