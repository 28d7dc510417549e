import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { actorOf, type Actor } from '../../actor.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { Clock } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import {
  codeName,
  logAftermath,
  logFailure,
  logSuccess,
  startRecord,
  type AccessRecord,
} from './access-log.ts';
import type { Outgoing } from '../encoding/encoded.ts';
import type { Authenticate } from './authentication.ts';
import { atDeadline, tooLate, unaryDeadline } from './deadline.ts';
import type { CallObserver } from './call-observer.ts';
import { isDeliberate, reasonOf, toWireError } from './errors.ts';
import { namedActorOf, TRACEPARENT, type DecidedCall, type IncomingCall } from './incoming-call.ts';
import type { MountedRpc } from './mounted-service.ts';
import { assertMayIn, namespaceIn } from './namespaces.ts';
import type { OpenCall, OpenCalls } from './open-calls.ts';
import type { Validate } from './validation.ts';

/** What the middleware is put together from; each part is a file of its own. */
export type MiddlewareParts = {
  readonly log: Log;
  /** What deadlines go by. */
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  readonly validate: Validate;
  readonly openCalls: OpenCalls;
  /** Told of every call; undefined: nobody counts or traces. */
  readonly observer: CallObserver | undefined;
};

/**
 * Lets a call in whose head was checked: whom it acts for, deadline.
 * `endedEarly` runs when the caller hangs up, the deadline passes or the server stops.
 * @throws ConnectError, logged, when the call is not let in.
 */
export function admit(
  parts: MiddlewareParts,
  rpc: MountedRpc,
  call: IncomingCall,
  endedEarly?: () => void,
): AdmittedCall {
  const record = startRecord(rpc, call, parts.observer?.began(rpc, call));
  try {
    if (rpc.right !== null) record.actor = namedActorOf(call);
  } catch (error) {
    throw told(parts, record, error);
  }
  return new AdmittedCall(parts, record, call, endedEarly);
}

/** Logs why a call failed, and gives what its caller may see of it. */
function told({ log, observer }: MiddlewareParts, record: AccessRecord, thrown: unknown): ConnectError {
  const error = toWireError(thrown, record.requestId);
  if (record.span !== undefined) error.metadata.set(TRACEPARENT, record.span.traceparent);
  logFailure(log, record, error, thrown);
  record.request = undefined;
  observer?.ended(record, codeName(error.code), reasonOf(thrown));
  return error;
}

/** Why a call ends whose caller has left. */
export const hungUp = () => new ConnectError('the caller hung up', Code.Canceled);

/**
 * One call that was let in, until its line in the log. It has one outcome: answered, or ended early, where nobody waits
 * for it any more. A class, because there is one for each call: as closures all that it can do would be made each time.
 */
export class AdmittedCall implements OpenCall, DecidedCall {
  readonly context: HandlerContext;
  readonly actor: Actor;
  readonly #parts: MiddlewareParts;
  readonly #record: AccessRecord;
  readonly #call: IncomingCall;
  #credential: Credential;
  /** What its request is about, once it is known; undefined too where each item says that for itself. */
  #namespace: string | undefined;
  readonly #controller = new AbortController();
  readonly #deadlineMs: number;
  readonly #endedEarly: (() => void) | undefined;
  readonly #callOff: () => void;
  #isOver = false;
  #interrupt: ((reason: unknown) => void) | undefined;
  #answer: ConnectError | undefined;
  place = -1;

  constructor(
    parts: MiddlewareParts,
    record: AccessRecord,
    call: IncomingCall,
    endedEarly: (() => void) | undefined,
  ) {
    const { clock } = parts;
    this.#parts = parts;
    this.#record = record;
    this.#call = call;
    this.#credential = call.credential;
    this.#endedEarly = endedEarly;
    this.#deadlineMs = this.kind === 'unary' ? unaryDeadline(clock, call.deadlineMs) : call.deadlineMs;
    this.#callOff = atDeadline(clock, this.#deadlineMs, () => this.end(tooLate));
    call.onHangUp(() => this.end(hungUp));
    this.actor = actorOf(record.caller, record.actor, record.requestId);
    this.context = call.context(this);
    const { span } = record;
    if (span !== undefined) this.context.responseHeader.set(TRACEPARENT, span.traceparent);
  }

  get kind(): OpenCall['kind'] {
    return this.#record.method.kind === 'unary' ? 'unary' : 'stream';
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get caller(): string {
    return this.#record.caller;
  }

  get requestId(): string {
    return this.#record.requestId;
  }

  /**
   * Takes note of the namespace the request is about.
   * @throws RefusalError FORBIDDEN where the caller may do nothing in it.
   */
  enterNamespaceOf(request: Message): void {
    if (this.#record.method.addressing !== 'request') return;
    this.#namespace = namespaceIn(request);
    this.assertMayIn(this.#namespace);
  }

  /** Asks once more what was asked at the beginning, of what the call came with: a stream outlives what was true then. */
  review(): void {
    try {
      this.#credential = this.#parts.authenticate(this.#record.method, this.#call);
      if (this.#namespace !== undefined) this.assertMayIn(this.#namespace);
    } catch (error) {
      this.end(() => error);
    }
  }

  assertMayIn(namespace: string): void {
    const { right } = this.#record.method;
    if (right !== null) assertMayIn(this.#credential, namespace, right);
  }

  /** How long it may still take; undefined: as long as it takes. */
  leftMs(): number | undefined {
    return this.#deadlineMs === Infinity ? undefined : this.#deadlineMs - this.#parts.clock.monotonic();
  }

  /**
   * Counts as a call from now on, which a stopping server lets finish: all of it has come. What is never sent to its end is
   * nobody's call. The line in the log says what the request is about, whatever becomes of it. Who calls is asked once
   * more: from now on it is reviewed, and it may have taken long to come.
   * @throws RefusalError SHUTTING_DOWN, UNAUTHENTICATED, FORBIDDEN
   */
  begin(request?: Message): void {
    this.#record.request = request;
    this.#parts.openCalls.assertOpen();
    this.#credential = this.#parts.authenticate(this.#record.method, this.#call);
    this.#parts.openCalls.enter(this);
  }

  /** Does the handler's work, known to whoever traces as the call's. */
  traced<T>(work: () => T): T {
    const { span } = this.#record;
    return span === undefined ? work() : span.run(work);
  }

  /** Settles as the work does, or rejects as soon as the call ends early. */
  race<T>(work: Promise<T>): Promise<T> {
    // By hand instead of Promise.race, which allocates several promises for every call.
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      work.then(resolve, (error: unknown) => {
        if (this.signal.aborted && !isEcho(error)) logAftermath(this.#parts.log, this.#record, error);
        reject(error);
      });
      if (this.signal.aborted) reject(this.signal.reason);
    });
  }

  /** One more message of a stream was handed to the transport. */
  countSent(): void {
    this.#record.sent += 1;
  }

  /** `answer`: what the line says that it made. */
  succeed(answer?: Outgoing): void {
    this.#over();
    logSuccess(this.#parts.log, this.#record, answer);
    // A transport may know the call for much longer.
    this.#record.request = undefined;
    this.#parts.observer?.ended(this.#record, 'OK', undefined);
  }

  /** What the caller may see of this failure. A second failure of the same call changes nothing. */
  fail(thrown: unknown): ConnectError {
    this.#over();
    this.#answer ??= told(this.#parts, this.#record, thrown);
    return this.#answer;
  }

  /** The transport stopped asking for messages; nothing happens if the outcome is known. */
  abandon(): void {
    this.end(hungUp);
  }

  /**
   * Ends it early. Only the first reason counts; it is made when it does: transports tell of answered calls, too, and each
   * costs 8 µs.
   */
  end(explain: () => unknown): void {
    if (this.#isOver) return;
    const interrupt = this.#interrupt;
    this.#over();
    const reason = explain();
    this.#controller.abort(reason);
    interrupt?.(reason);
    this.#answer ??= told(this.#parts, this.#record, reason);
    this.#endedEarly?.();
  }

  #over(): void {
    this.#isOver = true;
    // A transport may know the call for much longer, and with it what it was answered.
    this.#interrupt = undefined;
    this.#callOff();
    this.#parts.openCalls.leave(this);
  }
}

// A handler that heeds its signal throws the signal's reason, or the AbortError of what it awaited.
const isEcho = (error: unknown) =>
  isDeliberate(error) || (error instanceof Error && error.name === 'AbortError');
