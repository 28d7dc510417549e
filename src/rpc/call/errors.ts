import { type Code, ConnectError } from '@connectrpc/connect';
import { Code as RpcCode } from '#gen/google/rpc/code_pb.ts';
import { refusalOf } from '../../db/failure.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '#gen/google/rpc/error_details_pb.ts';
import { REASONS, type Reason } from '../../reasons.ts';
import type { FieldViolation, Refusal } from '../../refusal.ts';
import { isRefusal } from '../../refusal.ts';

/** Under which header an answer names the request; a caller's own is kept (incoming-call.ts). */
export const REQUEST_ID = 'x-request-id';

/** `google.rpc.ErrorInfo.domain` of every refusal. */
const ERROR_DOMAIN = 'credit-ledger';

/** Connect's codes are gRPC's numbers, which are google.rpc.Code's. */
export const codeOf = (reason: keyof typeof REASONS): Code => RpcCode[REASONS[reason].code];

// gRPC carries details in trailers, which many clients and proxies limit to 16–64 KiB as base64.
// A batch of 1,000 wrong requests must still arrive as INVALID_ARGUMENT, so long lists are cut.
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_VIOLATION_BYTES = 8_192;

/** A refusal as a status with ErrorInfo and, where they apply, BadRequest and RetryInfo. */
export function connectErrorOf(refusal: Refusal): ConnectError {
  const { reason, metadata, violations = [] } = refusal;
  const { retryAfterMs }: Reason = REASONS[reason];
  const error = new ConnectError(readable(refusal), codeOf(reason));
  error.details.push(errorInfo(reason, metadata));
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
  error.metadata.set(REQUEST_ID, requestId);
  return error;
}

/** What was thrown as it is meant: a database that cannot do it now is a refusal, with what the driver said as its cause. */
export const meant = (thrown: unknown): unknown =>
  // Writes say more where the database is not there: theirs may have happened.
  isDeliberate(thrown) ? thrown : (refusalOf(thrown, 'ask again') ?? thrown);

function visible(thrown: unknown): ConnectError | undefined {
  const said = meant(thrown);
  if (isRefusal(said)) return connectErrorOf(said.refusal);
  return said instanceof ConnectError ? said : undefined;
}

// INTERNAL is a reason on the wire, but none that code could refuse with.
function masked(requestId: string): ConnectError {
  const message = `internal error; the server's log has it under request id ${requestId}`;
  const error = new ConnectError(message, codeOf('INTERNAL'));
  error.details.push(errorInfo('INTERNAL', { request_id: requestId }));
  return error;
}

/** The reason that a caller is told; undefined for a fault, and where nobody refused. */
export function reasonOf(thrown: unknown): string | undefined {
  const said = meant(thrown);
  return isRefusal(said) ? said.refusal.reason : undefined;
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

const errorInfo = (reason: keyof typeof REASONS, metadata: { readonly [key: string]: string }) => ({
  desc: ErrorInfoSchema,
  value: { reason, domain: ERROR_DOMAIN, metadata: { ...metadata } },
});

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
