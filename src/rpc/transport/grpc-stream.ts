import type { ConnectError } from '@connectrpc/connect';
import type { GrpcCall } from './grpc-call.ts';

/**
 * Messages of one stream that may wait for the network. Few, so that a slow reader of a watch gets the
 * newest state next and not a backlog; more than one, so that a fast reader is never kept waiting.
 */
const UNSENT_MESSAGES = 4;

/** Sends messages as fast as the reader takes them, then the status the stream ended with. */
export async function sendAll(call: GrpcCall, messages: AsyncIterable<Buffer>): Promise<void> {
  const send = sender(call);
  try {
    for await (const message of messages) {
      if (call.isClosed) return;
      await send(message);
    }
    call.end();
  } catch (error) {
    // All the middleware throws is a ConnectError.
    call.fail(error as ConnectError);
  }
}

/** Resolves when the next message may be sent, or when the caller is gone: then what was not written is told of, too. */
function sender(call: GrpcCall): (message: Buffer) => Promise<void> | undefined {
  let unsent = 0;
  let ready: (() => void) | undefined;
  const sent = () => {
    unsent -= 1;
    ready?.();
    ready = undefined;
  };
  return (message) => {
    unsent += 1;
    call.send(message, sent);
    return unsent < UNSENT_MESSAGES ? undefined : new Promise((resolve) => (ready = resolve));
  };
}
