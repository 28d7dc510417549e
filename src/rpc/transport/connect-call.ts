import type { Message } from '@bufbuild/protobuf';
import {
  createContextKey,
  createContextValues,
  type ContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import type { IncomingCall } from '../call/incoming-call.ts';

/**
 * What has been read of a request before Connect sees it. Connect itself is handed an empty message: what it refuses on
 * its own it refuses without a reason, and before anybody asks who calls.
 */
export type Handover = {
  /** Gives the request once, or throws why it is none: the middleware answers and logs that. */
  decode(): Message;
  readonly deadlineMs: number | undefined;
};

const handoverKey = createContextKey<Handover | undefined>(undefined);

export const handOver = (handover: Handover): ContextValues =>
  createContextValues().set(handoverKey, handover);

function handedOver({ values }: HandlerContext): Handover {
  const handover = values.get(handoverKey);
  if (handover === undefined) throw new Error('invariant: Connect was handed a request that nobody has read');
  return handover;
}

/** What the middleware needs to know of a call that Connect carries. */
export function incomingConnectCall(context: HandlerContext): IncomingCall {
  const { requestHeader, protocolName, signal } = context;
  const { deadlineMs, decode } = handedOver(context);
  return {
    protocol: protocolName === 'grpc-web' ? 'grpc-web' : 'connect',
    deadlineMs,
    decode,
    header: (name) => requestHeader.get(name) ?? undefined,
    // Connect aborts the signal when a call is over, too; the middleware has stopped listening by then.
    onHangUp: (listener) => {
      const tell = () => listener('left');
      if (signal.aborted) queueMicrotask(tell);
      else signal.addEventListener('abort', tell, { once: true });
    },
    context: (decided) => ({ ...context, ...decided }),
  };
}
