/** Loads from the database, a bounded number at once, and never two of one item at a time. */
export type Loads<Item> = {
  /** Settles as a load that began after the call; calls that come while one waits for its turn share it. */
  refresh(item: Item): Promise<void>;
};

type Loading = { readonly done: Promise<void>; begun: boolean; next: Promise<void> | null };

export function createLoads<Item>(atOnce: number, load: (item: Item) => Promise<void>): Loads<Item> {
  const loading = new Map<Item, Loading>();
  const waiting: (() => void)[] = [];
  let running = 0;

  async function run(item: Item, own: Loading): Promise<void> {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    own.begun = true;
    try {
      await load(item);
    } finally {
      loading.delete(item);
      const next = waiting.shift();
      // The place is handed on, so that nobody who comes meanwhile takes it.
      if (next === undefined) running -= 1;
      else next();
    }
  }

  function refresh(item: Item): Promise<void> {
    const own = loading.get(item);
    if (own === undefined) {
      const { promise: done, resolve, reject } = Promise.withResolvers<void>();
      const started: Loading = { done, begun: false, next: null };
      loading.set(item, started);
      run(item, started).then(resolve, reject);
      return done;
    }
    if (!own.begun) return own.done;
    own.next ??= own.done.catch(() => undefined).then(() => refresh(item));
    return own.next;
  }

  return { refresh };
}
