import type { ConnectError } from '@connectrpc/connect';
import type { Log } from '../../log.ts';
import { logAftermath, logFailure, logSuccess, startRecord } from './access-log.ts';
import type { Authenticate } from './authentication.ts';
import { hungUp, openScope } from './call-scope.ts';
import type { CallContext } from './context.ts';
import { unaryDeadline } from './deadline.ts';
import { isDeliberate, toWireError } from './errors.ts';
import type { IncomingCall } from './incoming-call.ts';
import type { MountedMethod } from './mounted-service.ts';
import type { OpenCalls } from './open-calls.ts';
import { requestIdOf } from './request-id.ts';
import type { Validate } from './validation.ts';

/** What the middleware is put together from; each part is a file of its own. */
export type MiddlewareParts = {
  readonly log: Log;
  readonly authenticate: Authenticate;
  readonly validate: Validate;
  readonly openCalls: OpenCalls;
};

/** One admitted call, from its first check to its line in the log. It has exactly one outcome. */
export type Visit = {
  readonly context: CallContext;
  /** Settles as the work does, or rejects as soon as the call ends early. */
  race<T>(work: Promise<T>): Promise<T>;
  /** One more message of a stream was handed to the transport. */
  countSent(): void;
  succeed(): void;
  /** What the caller may see of this failure. A second failure of the same call changes nothing. */
  fail(thrown: unknown): ConnectError;
  /** The transport stopped asking for messages; nothing happens if the outcome is known. */
  abandon(): void;
};

/**
 * Admits a call: request id, authentication, deadline.
 * `endedEarly` runs when the caller hangs up, the deadline passes or the server stops.
 * @throws ConnectError, logged, when the call is not admitted.
 */
export function admit(
  { log, authenticate, openCalls }: MiddlewareParts,
  method: MountedMethod,
  call: IncomingCall,
  endedEarly?: () => void,
): Visit {
  const requestId = requestIdOf(call);
  const record = startRecord(method, call, requestId);
  let answer: ConnectError | undefined;

  const answerTo = (thrown: unknown): ConnectError => {
    const error = toWireError(thrown, requestId);
    logFailure(log, record, error, thrown);
    return error;
  };

  try {
    record.caller = authenticate(method, call);
    openCalls.assertOpen();
  } catch (error) {
    throw answerTo(error);
  }

  const isUnary = method.kind === 'unary';
  const deadlineMs = isUnary ? unaryDeadline(call.deadlineMs) : call.deadlineMs;
  const scope = openScope(call, deadlineMs, {
    ended: (reason) => {
      leaveOpen();
      answer ??= answerTo(reason);
      endedEarly?.();
    },
    failedAfterwards: (error) => {
      if (!isEcho(error)) logAftermath(log, record, error);
    },
  });
  const leaveOpen = openCalls.enter(scope, isUnary ? 'unary' : 'stream');

  const leave = () => {
    scope.close();
    leaveOpen();
  };
  return {
    context: {
      signal: scope.signal,
      requestId,
      caller: record.caller,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    },
    race: (work) => scope.race(work),
    countSent: () => {
      record.sent += 1;
    },
    succeed: () => {
      leave();
      logSuccess(log, record);
    },
    fail: (thrown) => {
      leave();
      answer ??= answerTo(thrown);
      return answer;
    },
    abandon: () => scope.end(hungUp),
  };
}

// A handler that heeds its signal throws the signal's reason, or the AbortError of what it awaited.
const isEcho = (error: unknown) =>
  isDeliberate(error) || (error instanceof Error && error.name === 'AbortError');
