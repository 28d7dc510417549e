import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  type ContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { processTime } from '../db/clock.ts';
import type { IncomingCall } from './incoming-call.ts';

/** Travels with a request through Connect, to tell whether the middleware has seen it. */
export type Mark = { admitted: boolean; readonly values: ContextValues };

const markKey = createContextKey<Mark | undefined>(undefined);

export function createMark(): Mark {
  const mark: Mark = { admitted: false, values: createContextValues() };
  mark.values.set(markKey, mark);
  return mark;
}

/** What the middleware needs to know of a call that Connect has read. */
export function incomingConnectCall({
  values,
  requestHeader,
  protocolName,
  signal,
  timeoutMs,
}: HandlerContext): IncomingCall {
  const mark = values.get(markKey);
  if (mark !== undefined) mark.admitted = true;
  const remainingMs = timeoutMs();
  return {
    protocol: protocolName === 'grpc-web' ? 'grpc-web' : 'connect',
    deadlineMs: remainingMs === undefined ? undefined : processTime() + remainingMs,
    header: (name) => requestHeader.get(name) ?? undefined,
    onHangUp: (listener) => {
      const tell = () => listener(isDeadline(signal.reason) ? 'late' : 'left');
      if (signal.aborted) queueMicrotask(tell);
      else signal.addEventListener('abort', tell, { once: true });
    },
  };
}

// Connect aborts the signal when a call is over, too; the middleware has stopped listening by then.
const isDeadline = (reason: unknown) =>
  reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
