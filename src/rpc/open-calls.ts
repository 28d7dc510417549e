import type { CallScope } from './call-scope.ts';
import { shuttingDown } from './call-scope.ts';

/** The calls being answered right now, so that a stopping server can let them finish. */
export type OpenCalls = {
  /** Refuses new calls with SHUTTING_DOWN once the server is stopping. */
  assertOpen(): void;
  enter(scope: CallScope, kind: 'unary' | 'stream'): void;
  leave(scope: CallScope): void;
  /**
   * Ends all streams and refuses new calls with SHUTTING_DOWN, lets unary calls finish for up to
   * `graceMs`, then ends them too. Resolves when no call is left.
   */
  close(graceMs: number): Promise<void>;
};

export function createOpenCalls(): OpenCalls {
  const scopes = new Map<CallScope, 'unary' | 'stream'>();
  const drained = Promise.withResolvers<void>();
  let closing = false;

  const endAll = (kinds: ReadonlySet<'unary' | 'stream'>) => {
    for (const [scope, kind] of scopes) if (kinds.has(kind)) scope.end(shuttingDown);
  };

  return {
    assertOpen: () => {
      if (closing) throw shuttingDown();
    },
    enter: (scope, kind) => scopes.set(scope, kind),
    leave: (scope) => {
      scopes.delete(scope);
      if (closing && scopes.size === 0) drained.resolve();
    },
    close: async (graceMs) => {
      closing = true;
      // A stream has no end of its own; its caller resumes it elsewhere.
      endAll(new Set(['stream']));
      if (scopes.size === 0) drained.resolve();
      const patience = setTimeout(() => endAll(new Set(['unary'])), graceMs);
      await drained.promise;
      clearTimeout(patience);
    },
  };
}
