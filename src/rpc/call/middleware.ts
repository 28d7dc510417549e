import type { DescMessage, Message, MessageInitShape } from '@bufbuild/protobuf';
import { create, isMessage } from '@bufbuild/protobuf';
import type { CallContext } from './context.ts';
import type { IncomingCall } from './incoming-call.ts';
import type { BidiStreamMethod, MountedMethod, ServerStreamMethod, UnaryMethod } from './mounted-service.ts';
import { turnAway, type TurnedAway } from './turn-away.ts';
import { admit, type MiddlewareParts } from './visit.ts';

type StreamMethod = ServerStreamMethod | BidiStreamMethod;

/**
 * What surrounds every handler, whatever the transport, in this order: request id, authentication,
 * deadline, decoding, validation, handler, encoding, errors, access log.
 * Decoding and encoding are passed in by the transport, so that their failures are answered and
 * logged like any other. All that is ever thrown from here is a ConnectError safe to show.
 */
export type Middleware = {
  unary<T>(
    method: UnaryMethod,
    call: IncomingCall,
    decode: () => Message,
    encode: (response: Message) => T,
  ): Promise<T>;
  /** `decode` gives the one request, or the iterable of all requests of a bidirectional stream. */
  stream<T>(
    method: StreamMethod,
    call: IncomingCall,
    decode: () => Message | AsyncIterable<Message>,
    encode: (response: Message) => T,
  ): AsyncGenerator<T, void, undefined>;
  /**
   * Refuses a call by its head, before any of its body is read. Whoever passes is asked again when the call is admitted.
   * @throws RefusalError UNAUTHENTICATED, FORBIDDEN, SHUTTING_DOWN
   */
  check(method: MountedMethod, call: Pick<IncomingCall, 'header'>): void;
  /** Logs a call that no handler gets, and gives what its caller may see of the reason, with the HTTP status for it. */
  turnAway(name: string, call: Pick<IncomingCall, 'protocol' | 'header'>, thrown: unknown): TurnedAway;
};

export function createMiddleware(parts: MiddlewareParts): Middleware {
  const { validate, authenticate, openCalls, log } = parts;
  return {
    check(method, call) {
      authenticate(method, call);
      openCalls.assertOpen();
    },

    turnAway: (name, call, thrown) => turnAway(log, name, call, thrown),

    async unary(method, call, decode, encode) {
      const visit = admit(parts, method, call);
      try {
        const request = decode();
        validate(method.descriptor.input, request);
        const response = await visit.race(method.handler(request, visit.context));
        const answer = encode(asMessage(method.descriptor.output, response));
        visit.succeed();
        return answer;
      } catch (error) {
        throw visit.fail(error);
      }
    },

    async *stream(method, call, decode, encode) {
      let responses: AsyncIterator<MessageInitShape<DescMessage>> | undefined;
      // The handler's own clean-up runs at once, even while the transport waits for a slow reader.
      const visit = admit(parts, method, call, () => stop(responses));
      const start = () => {
        const input = decode();
        if (method.kind === 'bidi_streaming')
          return method.handler(whileOpen(input as AsyncIterable<Message>, visit.context), visit.context);
        validate(method.descriptor.input, input as Message);
        return method.handler(input as Message, visit.context);
      };
      try {
        responses = start()[Symbol.asyncIterator]();
        for (;;) {
          const next = await visit.race(responses.next());
          if (next.done === true) break;
          yield encode(asMessage(method.descriptor.output, next.value));
          visit.countSent();
        }
        visit.succeed();
      } catch (error) {
        throw visit.fail(error);
      } finally {
        visit.abandon();
        stop(responses);
      }
    },
  };
}

/** The requests of a stream. Once its call has ended there are no more: that they cannot be read is no failure. */
async function* whileOpen(
  requests: AsyncIterable<Message>,
  { signal }: CallContext,
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

// A response that is a message already is sent as it is: no copy.
function asMessage(schema: DescMessage, response: MessageInitShape<DescMessage>): Message {
  return isMessage(response, schema) ? response : create(schema, response);
}
