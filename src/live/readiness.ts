/** Why a process should be sent no calls; `STARTING` is told before there is a port for them, `SHUTTING_DOWN` is for good. */
export type Unready = (typeof UNREADY)[number];

export const UNREADY = ['STARTING', 'DATABASE_UNAVAILABLE', 'DATABASE_READ_ONLY', 'SHUTTING_DOWN'] as const;

/**
 * Whether this process can do what callers want of it. Whether it runs at all is another question: a process whose
 * database is away is not to be started again for that.
 */
export type Readiness = {
  /** Null: it can. */
  unready(): Unready | null;
  /** Calls the listener after every change; gives back what ends that. */
  subscribe(listener: () => void): () => void;
};

/** The one state behind all who tell or ask whether this process is ready. */
export type ReadinessSwitch = Readiness & {
  /** Says how things are, however often; once it is shutting down nothing else is heard. Tells whether it is news. */
  set(unready: Unready | null): boolean;
};

export function createReadiness(): ReadinessSwitch {
  const listeners = new Set<() => void>();
  let current: Unready | null = null;
  return {
    unready: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(unready) {
      if (current === unready || current === 'SHUTTING_DOWN') return false;
      current = unready;
      for (const listener of listeners) listener();
      return true;
    },
  };
}
