import type { Credentials } from '../../credentials/credential.ts';
import type { Clock } from '../../db/clock.ts';
import { RefusalError } from '../../refusal.ts';

/** A call that is being answered; `end` ends it early, for a reason. */
export type OpenCall = {
  readonly kind: 'unary' | 'stream';
  /** Ends it if its caller may not have it any more. */
  review(): void;
  end(reason: () => unknown): void;
  /** Where it stands among the open ones, which keep it here. */
  place: number;
};

/** The calls being answered right now, so that a stopping server can let them finish. */
export type OpenCalls = {
  /** Refuses new calls with SHUTTING_DOWN once the server is stopping. */
  assertOpen(): void;
  enter(call: OpenCall): void;
  /** The call has ended; said again it does nothing. */
  leave(call: OpenCall): void;
  /**
   * Ends all streams and refuses new calls with SHUTTING_DOWN, lets unary calls finish for up to
   * `graceMs`, then ends them too. Resolves when no call is left.
   */
  close(graceMs: number): Promise<void>;
};

const shuttingDown = () =>
  new RefusalError({
    reason: 'SHUTTING_DOWN',
    message: 'this instance is shutting down; another one answers the next try',
    metadata: {},
  });

/** When who may call has changed, streams of those who may not any more end. Other calls are over soon by themselves. */
export function createOpenCalls(clock: Clock, credentials: Credentials | null): OpenCalls {
  // Not a map: in one that comes and goes this fast, tables that were outgrown hold on to calls that have long ended.
  const open: OpenCall[] = [];
  const drained = Promise.withResolvers<void>();
  let closing = false;

  // Of a copy: those that end leave.
  const ofKind = (kind: OpenCall['kind']) => open.filter((call) => call.kind === kind);
  const endAll = (kind: OpenCall['kind']) => ofKind(kind).forEach((call) => call.end(shuttingDown));

  const callOffReviews = credentials?.onChange(() => ofKind('stream').forEach((call) => call.review()));

  return {
    assertOpen: () => {
      if (closing) throw shuttingDown();
    },
    enter: (call) => {
      call.place = open.length;
      open.push(call);
    },
    leave: (call) => {
      if (open[call.place] !== call) return;
      const last = open.pop()!;
      if (last !== call) {
        last.place = call.place;
        open[call.place] = last;
      }
      if (closing && open.length === 0) drained.resolve();
    },
    close: async (graceMs) => {
      closing = true;
      // A stream has no end of its own; its caller resumes it elsewhere.
      endAll('stream');
      if (open.length === 0) drained.resolve();
      const callOff = clock.after(graceMs, () => endAll('unary'));
      await drained.promise;
      callOff();
      callOffReviews?.();
    },
  };
}
