import type { Message } from '@bufbuild/protobuf';
import { codeName } from './access-log.ts';
import { admit, type AdmittedCall, type MiddlewareParts } from './admission.ts';
import type { CallSlots } from './call-slots.ts';
import type { HandlerContext } from '@connectrpc/connect';
import type { Credential } from '../../credentials/credential.ts';
import type { Clock } from '../../db/clock.ts';
import type { Outgoing } from '../encoding/encoded.ts';
import type { CallHead, IncomingCall } from './incoming-call.ts';
import type { MountedRpc, StreamRpc, UnaryRpc } from './mounted-service.ts';
import { atDeadline, tooLate, unaryDeadline } from './deadline.ts';
import { reasonOf } from './errors.ts';
import { reject, type Rejection } from './rejection.ts';

/**
 * What surrounds every handler, whatever the transport, in this order: request id, authentication,
 * deadline, decoding, validation, namespace, handler, encoding, errors, access log.
 * Decoding and encoding are the transport's, so that their failures are answered and
 * logged like any other. All that is ever thrown from here is a ConnectError safe to show.
 */
export type Middleware = {
  /** What deadlines go by. */
  readonly clock: Clock;
  unary<T>(rpc: UnaryRpc, call: IncomingCall, encode: (answer: Outgoing) => T): Promise<T>;
  stream<T>(
    rpc: StreamRpc,
    call: IncomingCall,
    encode: (answer: Outgoing) => T,
  ): AsyncGenerator<T, void, undefined>;
  /**
   * Tells by a call's head who calls, or refuses it, before any of its body is read. Once all of it has come they are asked
   * again: it may have taken long.
   * @throws RefusalError UNAUTHENTICATED, FORBIDDEN, SHUTTING_DOWN
   */
  check(rpc: MountedRpc, call: Pick<CallHead, 'header' | 'certificateNames'>): Credential;
  /** Asked of a call that has passed the check, before any of its body is read. */
  readonly slots: CallSlots;
  /** Logs a call that no handler gets, and gives what its caller may see of the reason, with the HTTP status for it. */
  reject(call: CallHead, thrown: unknown): Rejection;
};

export function createMiddleware(parts: MiddlewareParts, slots: CallSlots): Middleware {
  const { validate, authenticate, openCalls, clock } = parts;
  return {
    clock,
    slots,

    check(rpc, call) {
      const credential = authenticate(rpc, call);
      openCalls.assertOpen();
      return credential;
    },

    reject: rejecting(parts),

    async unary(rpc, call, encode) {
      const admitted = admit(parts, rpc, call);
      try {
        const request = await admitted.race(call.decode() as Promise<Message>);
        admitted.begin(request);
        validate(rpc.method.input, request);
        admitted.enterNamespaceOf(request);
        const work = admitted.traced(() => Promise.resolve(rpc.impl(request, admitted.context)));
        const response = await admitted.race(work);
        const answer = encode(response);
        admitted.succeed(response);
        return answer;
      } catch (error) {
        throw admitted.fail(error);
      }
    },

    async *stream(rpc, call, encode) {
      let responses: AsyncIterator<Outgoing> | undefined;
      // The handler's own clean-up runs at once, even while the transport waits for a slow reader.
      const admitted = admit(parts, rpc, call, () => stop(responses));
      const start = async () => {
        const input = call.decode();
        if (rpc.kind === 'bidi_streaming') {
          admitted.begin();
          return rpc.impl(whileOpen(input as AsyncIterable<Message>, admitted.context), admitted.context);
        }
        const request = await sentInTime(clock, admitted, input as Promise<Message>);
        admitted.begin(request);
        validate(rpc.method.input, request);
        admitted.enterNamespaceOf(request);
        return rpc.impl(request, admitted.context);
      };
      try {
        responses = (await start())[Symbol.asyncIterator]();
        for (;;) {
          const next = await admitted.race(responses.next());
          if (next.done === true) break;
          yield encode(next.value);
          admitted.countSent();
        }
        admitted.succeed();
      } catch (error) {
        throw admitted.fail(error);
      } finally {
        admitted.abandon();
        stop(responses);
      }
    },
  };
}

const rejecting =
  ({ log, observer }: MiddlewareParts): Middleware['reject'] =>
  (call, thrown) => {
    const rejection = reject(log, call, thrown);
    observer?.turnedAway(call.name, reasonOf(thrown) ?? codeName(rejection.answer.code));
    return rejection;
  };

/** A stream has no end of its own, but its request has: one that never comes is waited for as long as a call. */
async function sentInTime(clock: Clock, admitted: AdmittedCall, request: Promise<Message>): Promise<Message> {
  const callOff = atDeadline(clock, unaryDeadline(clock, Infinity), () => admitted.end(tooLate));
  try {
    return await admitted.race(request);
  } finally {
    callOff();
  }
}

/** The requests of a stream. Once its call has ended there are no more: that they cannot be read is no failure. */
async function* whileOpen(
  requests: AsyncIterable<Message>,
  { signal }: HandlerContext,
): AsyncGenerator<Message> {
  try {
    yield* requests;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

// Not awaited: a handler that is slow to notice must not hold up the answer. What it throws while
// cleaning up has no one left to tell.
function stop(responses: AsyncIterator<unknown> | undefined): void {
  responses?.return?.().catch(() => {});
}
