import type { Clock } from '../../db/clock.ts';
import { shuttingDown, type CallScope } from './call-scope.ts';

/** The calls being answered right now, so that a stopping server can let them finish. */
export type OpenCalls = {
  /** Refuses new calls with SHUTTING_DOWN once the server is stopping. */
  assertOpen(): void;
  /** Gives what is to be called when the call has ended; calling it again does nothing. */
  enter(scope: CallScope, kind: 'unary' | 'stream'): () => void;
  /**
   * Ends all streams and refuses new calls with SHUTTING_DOWN, lets unary calls finish for up to
   * `graceMs`, then ends them too. Resolves when no call is left.
   */
  close(graceMs: number): Promise<void>;
};

/** `place`: where it stands among the open ones. */
type Open = { readonly scope: CallScope; readonly kind: 'unary' | 'stream'; place: number };

export function createOpenCalls(clock: Clock): OpenCalls {
  // Not a map: in one that comes and goes this fast, tables that were outgrown hold on to calls that have long ended.
  const open: Open[] = [];
  const drained = Promise.withResolvers<void>();
  let closing = false;

  const endAll = (kinds: ReadonlySet<'unary' | 'stream'>) => {
    for (const { scope, kind } of [...open]) if (kinds.has(kind)) scope.end(shuttingDown);
  };

  return {
    assertOpen: () => {
      if (closing) throw shuttingDown();
    },
    enter: (scope, kind) => {
      const own: Open = { scope, kind, place: open.length };
      open.push(own);
      return () => {
        if (open[own.place] !== own) return;
        const last = open.pop()!;
        if (last !== own) {
          last.place = own.place;
          open[own.place] = last;
        }
        if (closing && open.length === 0) drained.resolve();
      };
    },
    close: async (graceMs) => {
      closing = true;
      // A stream has no end of its own; its caller resumes it elsewhere.
      endAll(new Set(['stream']));
      if (open.length === 0) drained.resolve();
      const callOff = clock.after(graceMs, () => endAll(new Set(['unary'])));
      await drained.promise;
      callOff();
    },
  };
}
