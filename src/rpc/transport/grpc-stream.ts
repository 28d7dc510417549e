import type { ConnectError } from '@connectrpc/connect';
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import type { IncomingGrpcCall } from './grpc-call.ts';
import { grpcStatusOf } from './grpc-status.ts';

/**
 * Messages of one stream that may wait for the network. Few, so that a slow reader of a watch gets the
 * newest state next and not a backlog; more than one, so that a fast reader is never kept waiting.
 */
const UNSENT_MESSAGES = 4;

type ResponseStream = ServerWritableStream<unknown, Buffer> | ServerDuplexStream<unknown, Buffer>;

/** Sends messages as fast as the reader takes them, then the status the stream ended with. */
export async function sendAll(
  call: ResponseStream,
  { sendHeader, trailer }: Pick<IncomingGrpcCall, 'sendHeader' | 'trailer'>,
  messages: AsyncIterable<Buffer>,
): Promise<void> {
  const send = sender(call);
  let begun = false;
  try {
    for await (const message of messages) {
      if (call.cancelled) return;
      if (!begun) sendHeader();
      begun = true;
      await send(message);
    }
    call.end(trailer());
  } catch (error) {
    // All the middleware throws is a ConnectError. grpc-js takes a status as an emitted error.
    if (!call.cancelled) call.emit('error', grpcStatusOf(error as ConnectError));
  }
}

/** Resolves when the next message may be sent, or when the caller is gone. */
function sender(call: ResponseStream): (message: Buffer) => Promise<void> | undefined {
  let unsent = 0;
  let ready: (() => void) | undefined;
  const wake = () => {
    ready?.();
    ready = undefined;
  };
  // After a cancel grpc-js forgets the callbacks of what it had not written.
  call.once('cancelled', wake);
  return (message) => {
    unsent += 1;
    call.write(message, () => {
      unsent -= 1;
      wake();
    });
    return unsent < UNSENT_MESSAGES ? undefined : new Promise((resolve) => (ready = resolve));
  };
}
