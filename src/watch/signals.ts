/** A book that has a new version. */
export type Changed = { readonly shard: number; readonly bookId: string; readonly version: number };

/** Hints that books have changed, so that who watches looks sooner. Missed or merged ones cost time, never truth. */
export type Signals = {
  /** Calls the listener after each commit it hears of; answers with how to stop that. */
  subscribe(listener: (changed: readonly Changed[]) => void): () => void;
};

export function createSignals(): Signals & { emit(changed: readonly Changed[]): void } {
  const listeners = new Set<(changed: readonly Changed[]) => void>();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit: (changed) => {
      for (const listener of listeners) listener(changed);
    },
  };
}
