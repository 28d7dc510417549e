/** A book that was written: a hint that costs nothing to miss. */
export type Changed = { readonly shard: number; readonly bookId: number; readonly version: number };

/** Who follows books hears here of writes on any instance; what it reads then comes from the database. */
export type Signals = { subscribe(listener: (changed: readonly Changed[]) => void): () => void };

/** Signals and the way to give them: local commits and the doorbell of other instances do. */
export function createSignals(): Signals & { emit(changed: readonly Changed[]): void } {
  const listeners = new Set<(changed: readonly Changed[]) => void>();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit: (changed) => {
      for (const listener of listeners) listener(changed);
    },
  };
}
