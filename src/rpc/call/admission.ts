import { Code, ConnectError, createContextValues, type HandlerContext } from '@connectrpc/connect';
import type { Clock } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import { logAftermath, logFailure, logSuccess, startRecord } from './access-log.ts';
import type { Authenticate } from './authentication.ts';
import { atDeadline, tooLate, unaryDeadline } from './deadline.ts';
import { isDeliberate, toWireError } from './errors.ts';
import { callerKey, requestIdKey, requestIdOf, type IncomingCall } from './incoming-call.ts';
import type { MountedRpc } from './mounted-service.ts';
import type { OpenCalls } from './open-calls.ts';
import type { Validate } from './validation.ts';

/** What the middleware is put together from; each part is a file of its own. */
export type MiddlewareParts = {
  readonly log: Log;
  /** What deadlines go by. */
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  readonly validate: Validate;
  readonly openCalls: OpenCalls;
};

/** One call that was let in, until its line in the log. It has one outcome: answered, or ended early. */
export type AdmittedCall = {
  readonly context: HandlerContext;
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
 * Lets a call in: request id, authentication, deadline.
 * `endedEarly` runs when the caller hangs up, the deadline passes or the server stops.
 * @throws ConnectError, logged, when the call is not let in.
 */
export function admit(
  parts: MiddlewareParts,
  rpc: MountedRpc,
  call: IncomingCall,
  endedEarly?: () => void,
): AdmittedCall {
  const { log, authenticate, openCalls } = parts;
  const requestId = requestIdOf(call);
  const record = startRecord(rpc, call, requestId);
  const told = (thrown: unknown): ConnectError => {
    const error = toWireError(thrown, requestId);
    logFailure(log, record, error, thrown);
    return error;
  };
  try {
    record.caller = authenticate(rpc, call);
    openCalls.assertOpen();
  } catch (error) {
    throw told(error);
  }
  let answer: ConnectError | undefined;
  const life = begin(rpc.kind === 'unary' ? 'unary' : 'stream', call, parts, (reason) => {
    answer ??= told(reason);
    endedEarly?.();
  });
  const { signal, timeoutMs, interruptible } = life;
  const values = createContextValues().set(callerKey, record.caller).set(requestIdKey, requestId);
  return {
    context: call.context({ signal, timeoutMs, values }),
    race: (work) =>
      interruptible(work, (error) => {
        if (!isEcho(error)) logAftermath(log, record, error);
      }),
    countSent: () => {
      record.sent += 1;
    },
    succeed: () => {
      life.over();
      logSuccess(log, record);
    },
    fail: (thrown) => {
      life.over();
      answer ??= told(thrown);
      return answer;
    },
    abandon: () => life.end(hungUp),
  };
}

/** Why a call ends whose caller has left. */
export const hungUp = () => new ConnectError('the caller hung up', Code.Canceled);

/** The time in which a call is worked on: until it is answered, or nobody waits for it any more, which `ended` is told. */
function begin(
  kind: 'unary' | 'stream',
  call: IncomingCall,
  { clock, openCalls }: MiddlewareParts,
  ended: (reason: unknown) => void,
) {
  const controller = new AbortController();
  const { signal } = controller;
  let isOver = false;
  let interrupt: ((reason: unknown) => void) | undefined;
  const over = () => {
    isOver = true;
    // A transport may know the call for much longer, and with it what it was answered.
    interrupt = undefined;
    callOff();
    leave();
  };
  // Only the first reason counts. It is made when it does: transports tell of answered calls, too, and each costs 8 µs.
  const end = (explain: () => unknown) => {
    if (isOver) return;
    const tell = interrupt;
    over();
    const reason = explain();
    controller.abort(reason);
    tell?.(reason);
    ended(reason);
  };
  const deadlineMs = kind === 'unary' ? unaryDeadline(clock, call.deadlineMs) : call.deadlineMs;
  const callOff = atDeadline(clock, deadlineMs, () => end(tooLate));
  const leave = openCalls.enter({ kind, end });
  call.onHangUp((why) => end(why === 'late' ? tooLate : hungUp));
  return {
    signal,
    timeoutMs: () => (deadlineMs === Infinity ? undefined : deadlineMs - clock.monotonic()),
    end,
    over,
    // By hand instead of Promise.race, which allocates several promises for every call.
    interruptible: <T>(work: Promise<T>, failedAfterwards: (error: unknown) => void): Promise<T> =>
      new Promise((resolve, reject) => {
        interrupt = reject;
        work.then(resolve, (error: unknown) => {
          if (signal.aborted) failedAfterwards(error);
          reject(error);
        });
        if (signal.aborted) reject(signal.reason);
      }),
  };
}

// A handler that heeds its signal throws the signal's reason, or the AbortError of what it awaited.
const isEcho = (error: unknown) =>
  isDeliberate(error) || (error instanceof Error && error.name === 'AbortError');
