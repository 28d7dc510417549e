import type { EventEmitter } from 'node:events';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { isLate } from '../call/deadline.ts';
import type { IncomingCall } from '../call/incoming-call.ts';

/** What every kind of call that grpc-js hands out has in common. */
type GrpcCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getDeadline'> &
  Pick<EventEmitter, 'once'>;

/** What the middleware needs to know of a grpc-js call. */
export function incomingGrpcCall(call: GrpcCall): IncomingCall {
  const deadline = Number(call.getDeadline());
  return {
    protocol: 'grpc',
    deadlineMs: Number.isFinite(deadline) ? deadline : undefined,
    header: (name) => call.metadata.get(name)[0]?.toString(),
    // grpc-js answers at the deadline by itself, and does not tell that from a cancel.
    onHangUp: (listener) => void call.once('cancelled', () => listener(isLate(deadline) ? 'late' : 'left')),
  };
}
