import { Code, ConnectError } from '@connectrpc/connect';
import { classify } from '../db/failure.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '#gen/google/rpc/error_details_pb.ts';
import type { ErrorReasonName, FieldViolation, Refusal } from '../refusal.ts';
import { isRefusal, RefusalError } from '../refusal.ts';

/** `google.rpc.ErrorInfo.domain` of every refusal. */
const ERROR_DOMAIN = 'credit-ledger';

type Answer = { readonly code: Code; readonly retryAfterMs?: number };

/** Which status each reason becomes, and how long to wait before trying again where that helps. */
export const ANSWERS: Readonly<Record<ErrorReasonName, Answer>> = {
  INVALID_FIELD: { code: Code.InvalidArgument },
  UNSUPPORTED_FEATURE_FILTER: { code: Code.InvalidArgument },
  PAGE_TOKEN_MISMATCH: { code: Code.InvalidArgument },
  UNKNOWN_CURRENCY: { code: Code.InvalidArgument },
  TOO_PRECISE: { code: Code.InvalidArgument },
  GRANT_NOT_FOUND: { code: Code.NotFound },
  CHARGE_NOT_FOUND: { code: Code.NotFound },
  TRANSACTION_NOT_FOUND: { code: Code.NotFound },
  IDEMPOTENCY_KEY_REUSED: { code: Code.AlreadyExists },
  CURRENCY_EXISTS: { code: Code.AlreadyExists },
  INSUFFICIENT_CREDIT: { code: Code.FailedPrecondition },
  GRANT_NOT_PENDING: { code: Code.FailedPrecondition },
  GRANT_EXPIRED: { code: Code.FailedPrecondition },
  GRANT_EXHAUSTED: { code: Code.FailedPrecondition },
  GRANT_VOIDED: { code: Code.FailedPrecondition },
  CHARGE_NOT_OPEN: { code: Code.FailedPrecondition },
  SETTLEMENT_OUT_OF_ORDER: { code: Code.FailedPrecondition },
  CORRECTION_TOO_LARGE: { code: Code.FailedPrecondition },
  ROUTING_RULE: { code: Code.FailedPrecondition },
  UNBALANCED: { code: Code.FailedPrecondition },
  NOT_FUNDED: { code: Code.FailedPrecondition },
  // A lost race: the winner is done within milliseconds.
  CONFLICT: { code: Code.Aborted, retryAfterMs: 50 },
  RATE_LIMITED: { code: Code.ResourceExhausted, retryAfterMs: 1_000 },
  TOO_MANY_WATCHES: { code: Code.ResourceExhausted, retryAfterMs: 5_000 },
  // A full queue drains in tens of milliseconds unless the database is in trouble.
  OVERLOADED: { code: Code.ResourceExhausted, retryAfterMs: 250 },
  LIMIT_REACHED: { code: Code.ResourceExhausted, retryAfterMs: 60_000 },
  UNAUTHENTICATED: { code: Code.Unauthenticated },
  FORBIDDEN: { code: Code.PermissionDenied },
  // Another instance, or the next start of this one, takes the retry.
  SHUTTING_DOWN: { code: Code.Unavailable, retryAfterMs: 1_000 },
  DATABASE_UNAVAILABLE: { code: Code.Unavailable, retryAfterMs: 1_000 },
  NOT_CAUGHT_UP: { code: Code.Unavailable, retryAfterMs: 100 },
  // Neither gets better by waiting.
  TOO_SLOW: { code: Code.DeadlineExceeded },
  REQUEST_TOO_LARGE: { code: Code.ResourceExhausted },
  UNKNOWN_METHOD: { code: Code.Unimplemented },
  MALFORMED_REQUEST: { code: Code.InvalidArgument },
  UNSUPPORTED_PROTOCOL: { code: Code.Unimplemented },
  DEADLINE_EXCEEDED: { code: Code.DeadlineExceeded },
  FOREIGN_HOST: { code: Code.PermissionDenied },
  SERVICE_NOT_FOUND: { code: Code.NotFound },
};

export const codeOf = (reason: ErrorReasonName): Code => ANSWERS[reason].code;

export const isErrorReason = (name: string): name is ErrorReasonName => Object.hasOwn(ANSWERS, name);

// gRPC carries details in trailers, which many clients and proxies limit to 16–64 KiB as base64.
// A batch of 1,000 wrong requests must still arrive as INVALID_ARGUMENT, so long lists are cut.
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_VIOLATION_BYTES = 8_192;

/** A refusal as a status with ErrorInfo and, where they apply, BadRequest and RetryInfo. */
export function connectErrorOf(refusal: Refusal): ConnectError {
  const { reason, metadata, violations = [] } = refusal;
  const answer = ANSWERS[reason];
  const retryAfterMs = refusal.retryAfterMs ?? answer.retryAfterMs;
  const error = new ConnectError(readable(refusal), answer.code);
  error.details.push({ desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN, metadata } });
  if (violations.length > 0) error.details.push(badRequest(violations));
  if (retryAfterMs !== undefined) error.details.push(retryInfo(retryAfterMs));
  return error;
}

/**
 * Anything thrown, as the status a caller may see.
 * Only refusals and statuses raised on purpose keep their text: other messages can hold SQL or secrets.
 */
export function toWireError(thrown: unknown, requestId: string): ConnectError {
  const error = visible(thrown) ?? masked(requestId);
  error.metadata.set('x-request-id', requestId);
  return error;
}

/** What a question meets whose database is not there. Writes say more: theirs may have happened. */
const UNREACHABLE: Refusal = {
  reason: 'DATABASE_UNAVAILABLE',
  message: 'the database cannot be reached; ask again',
  metadata: {},
};

/** What was thrown as it is meant: a lost database is a refusal, with what the driver said as its cause. */
export function meant(thrown: unknown): unknown {
  if (isDeliberate(thrown) || classify(thrown) !== 'unavailable') return thrown;
  const refusal = new RefusalError(UNREACHABLE);
  refusal.cause = thrown;
  return refusal;
}

function visible(thrown: unknown): ConnectError | undefined {
  const said = meant(thrown);
  if (isRefusal(said)) return connectErrorOf(said.refusal);
  return said instanceof ConnectError ? said : undefined;
}

// INTERNAL is a reason on the wire, but none that code could refuse with.
function masked(requestId: string): ConnectError {
  const message = `internal error; the server's log has it under request id ${requestId}`;
  const error = new ConnectError(message, Code.Internal);
  const metadata = { request_id: requestId };
  error.details.push({
    desc: ErrorInfoSchema,
    value: { reason: 'INTERNAL', domain: ERROR_DOMAIN, metadata },
  });
  return error;
}

/** Whether the code that threw this meant the caller to read it. */
export const isDeliberate = (thrown: unknown) => isRefusal(thrown) || thrown instanceof ConnectError;

function readable({ message, violations = [] }: Refusal): string {
  // A lone surrogate would make the transports' percent-encoding throw.
  const text = message.toWellFormed();
  if (text.length <= MAX_MESSAGE_CHARACTERS) return text;
  const cut = text.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed();
  return violations.length > 1 ? `${cut}… (${violations.length} violations in all)` : `${cut}…`;
}

function badRequest(violations: readonly FieldViolation[]) {
  const fieldViolations: { field: string; description: string; reason: string }[] = [];
  let bytes = 0;
  for (const { field, message: description, rule: reason } of violations) {
    bytes += Buffer.byteLength(field + description + reason);
    if (bytes > MAX_VIOLATION_BYTES) break;
    fieldViolations.push({ field, description, reason });
  }
  return { desc: BadRequestSchema, value: { fieldViolations } };
}

function retryInfo(milliseconds: number) {
  const seconds = Math.floor(milliseconds / 1_000);
  const nanos = Math.round((milliseconds - seconds * 1_000) * 1_000_000);
  return { desc: RetryInfoSchema, value: { retryDelay: { seconds: BigInt(seconds), nanos } } };
}
