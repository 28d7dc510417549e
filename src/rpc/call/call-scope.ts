import { Code, ConnectError } from '@connectrpc/connect';
import { RefusalError } from '../../refusal.ts';
import { armDeadline, tooLate } from './deadline.ts';
import type { IncomingCall } from './incoming-call.ts';

/** The lifetime of one call: it ends when answered, or early because nobody waits for it any more. */
export type CallScope = {
  /** Aborts when the call ends early, with the reason. */
  readonly signal: AbortSignal;
  /**
   * Ends the call early. Only the first reason counts; after {@link CallScope.close} nothing happens.
   * A function, because transports report finished calls too, and each error made costs 8 µs.
   */
  end(reason: () => unknown): void;
  /** Settles as the work does, or rejects with the reason as soon as the call ends early. */
  race<T>(work: Promise<T>): Promise<T>;
  /** The call was answered: nothing ends it any more. */
  close(): void;
};

export type ScopeEvents = {
  /** The call ended early. */
  ended(reason: unknown): void;
  /** The work failed after the call had ended early, so nobody was told. */
  failedAfterwards(error: unknown): void;
};

/** Why a server that is stopping ends a call, or does not begin it. */
export const shuttingDown = () =>
  new RefusalError({
    reason: 'SHUTTING_DOWN',
    message: 'this instance is shutting down; another one answers the next try',
    metadata: {},
  });

/** Why a call ends whose caller has left. */
export const hungUp = () => new ConnectError('the caller hung up', Code.Canceled);

export function openScope(
  call: IncomingCall,
  deadlineMs: number | undefined,
  events: ScopeEvents,
): CallScope {
  const controller = new AbortController();
  const { signal } = controller;
  let closed = false;
  let interrupt: ((reason: unknown) => void) | undefined;

  const end = (explain: () => unknown) => {
    if (closed) return;
    const told = interrupt;
    close();
    const reason = explain();
    controller.abort(reason);
    told?.(reason);
    events.ended(reason);
  };
  const timer = deadlineMs === undefined ? undefined : armDeadline(deadlineMs, () => end(tooLate));
  const close = () => {
    closed = true;
    // A transport may know the call for much longer, and with it what it was answered.
    interrupt = undefined;
    timer?.disarm();
  };
  call.onHangUp((why) => end(why === 'late' ? tooLate : hungUp));

  return {
    signal,
    end,
    close,
    // By hand instead of Promise.race, which allocates several promises for every call.
    race: (work) =>
      new Promise((resolve, reject) => {
        interrupt = reject;
        work.then(resolve, (error: unknown) => {
          if (signal.aborted) events.failedAfterwards(error);
          reject(error);
        });
        if (signal.aborted) reject(signal.reason);
      }),
  };
}
