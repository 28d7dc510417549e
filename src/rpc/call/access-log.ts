import type { Message } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { monotonic } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import { isRefusal } from '../../refusal.ts';
import type { Outgoing } from '../encoding/encoded.ts';
import type { CallSpan, ObservedCall } from './call-observer.ts';
import { isDeliberate, meant } from './errors.ts';
import { traceIdOf, type CallHead, type IncomingCall } from './incoming-call.ts';
import type { MountedRpc } from './mounted-service.ts';
import { subjectOf } from './subject.ts';

/** What is known about a call while it runs; becomes one line of the log when it ends. */
export type AccessRecord = ObservedCall & {
  /** Of the trace that the call is a part of, here or at its caller; undefined: of none. */
  readonly traceId: string | undefined;
  readonly caller: string;
  /** On whose behalf it says that it acts. */
  actor: string | null;
  /** Once all of it has come; of a stream of requests none. */
  request: Message | undefined;
  /** Messages a stream has handed to its transport. */
  sent: number;
};

export function startRecord(
  method: MountedRpc,
  call: Pick<IncomingCall, 'protocol' | 'requestId' | 'header' | 'credential'>,
  span: CallSpan | undefined,
): AccessRecord {
  const traceId = span?.traceId ?? traceIdOf(call);
  const { protocol, requestId } = call;
  return {
    method,
    protocol,
    requestId,
    traceId,
    span,
    startedAt: monotonic(),
    caller: call.credential.name,
    actor: null,
    request: undefined,
    sent: 0,
  };
}

// These ask for an operator's attention when they pile up; the others are the caller's own business.
const STRAINED: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
]);

/**
 * Writes the line of a call that went well, with what it was answered where that is one message. Probes are written at
 * debug, as they drown the rest.
 */
export function logSuccess(log: Log, record: AccessRecord, answer?: Outgoing): void {
  const level = record.method.right === null ? 'debug' : 'info';
  if (log.isLevelEnabled(level)) log[level](fieldsOf(record, 'OK', answer), 'rpc');
}

/** Writes the line of a call that failed, with the stack where the failure was not foreseen. */
export function logFailure(log: Log, record: AccessRecord, answer: ConnectError, thrown: unknown): void {
  const fields = fieldsOf(record, codeName(answer.code));
  const failure = meant(thrown);
  if (!isDeliberate(failure)) log.error({ ...fields, err: thrown }, 'rpc failed');
  else
    log[STRAINED.has(answer.code) ? 'warn' : 'info'](
      { ...fields, ...reasonOf(failure), detail: answer.rawMessage },
      'rpc',
    );
}

const LONGEST_NAME = 256;

/** Writes the line of a call that no handler got. */
export function logRejection(log: Log, head: CallHead, answer: ConnectError, thrown: unknown): void {
  const { protocol, requestId } = head;
  const method = head.name.slice(0, LONGEST_NAME);
  const fields = { method, protocol, requestId, traceId: traceIdOf(head), code: codeName(answer.code) };
  const failure = meant(thrown);
  if (!isDeliberate(failure)) log.error({ ...fields, err: thrown }, 'rpc failed');
  else log.info({ ...fields, ...reasonOf(failure), detail: answer.rawMessage }, 'rpc turned away');
}

/** Writes what a handler threw after its call had ended early: nobody was told, and it may be a bug. */
export function logAftermath(log: Log, record: AccessRecord, thrown: unknown): void {
  const { method, requestId, traceId } = record;
  log.error(
    { method: method.name, requestId, traceId, err: thrown },
    'rpc handler failed after its call had ended',
  );
}

/** `INVALID_ARGUMENT`, as gRPC's documentation writes it. */
export const codeName = (code: Code): string =>
  (Code[code] ?? String(code)).replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase();

function fieldsOf(record: AccessRecord, code: string, answer?: Outgoing) {
  const { method, protocol, requestId, traceId, caller, startedAt, request, sent } = record;
  const durationMs = Math.round((monotonic() - startedAt) * 1_000) / 1_000;
  // What is undefined is not written.
  const actor = record.actor ?? undefined;
  const common = {
    method: method.name,
    code,
    durationMs,
    requestId,
    traceId,
    caller,
    actor,
    protocol,
    ...subjectOf(request, answer),
  };
  return method.kind === 'unary' ? common : { ...common, sent };
}

/** The reason, and what lies behind it, which no caller is told. */
function reasonOf(thrown: unknown): { readonly reason?: string; readonly cause?: string } {
  if (!isRefusal(thrown)) return {};
  const { refusal, cause } = thrown;
  return { reason: refusal.reason, ...(cause instanceof Error && { cause: cause.message }) };
}
