import type { CallHead } from './incoming-call.ts';
import type { MountedRpc } from './mounted-service.ts';

/** Told of every call, to count, measure and trace it. It is asked on the way of each, so it must be quick and not throw. */
export type CallObserver = {
  /** A call has come; its span, where it is traced. */
  began(rpc: MountedRpc, call: Pick<CallHead, 'header' | 'protocol'>): CallSpan | undefined;
  /** It is over: `OK`, or the code and the reason it was refused for; no reason: nothing of ours refused it. */
  ended(call: ObservedCall, code: string, reason: string | undefined): void;
  /** No handler got it: refused by its head, or for want of a slot, before anything of it was decoded. */
  turnedAway(name: string, reason: string): void;
};

/** A call as it is told of when it is over. */
export type ObservedCall = {
  readonly method: MountedRpc;
  readonly protocol: CallHead['protocol'];
  /** In the process's monotonic milliseconds. */
  readonly startedAt: number;
  readonly requestId: string;
  readonly span: CallSpan | undefined;
};

/** A call as others see it who trace what it is a part of. */
export type CallSpan = {
  readonly traceId: string;
  /** What W3C's `traceparent` says of it. */
  readonly traceparent: string;
  /** Does work of which it is known that it is done for the call: its write's batch, its questions' round trips. */
  run<T>(work: () => T): T;
};
