/** Which shards are to be looked at next, and when. Times are monotonic. */
export type Schedule = {
  /** Of these it is known, or hoped, that they have changed. */
  want(shards: Iterable<number>): void;
  /** All of them, as soon as may be. */
  wantAll(): void;
  /** What to look at now: all shards when that is due, else those that are wanted. */
  take(now: number): { readonly all: boolean; readonly shards: readonly number[] };
  /** Looks that show nothing new are farther and farther apart. */
  seen(somethingNew: boolean): void;
  /** What was taken could not be looked at. */
  putBack(shards: readonly number[]): void;
  /** In how many milliseconds to look again. */
  nextIn(now: number): number;
};

/** The first wait for what cannot be read yet; each further one is twice as long, up to a poll. */
const SOON_MS = 10;

/** All shards are due every `pollMs`. */
export function createSchedule(all: readonly number[], pollMs: number): Schedule {
  const wanted = new Set<number>();
  let allDueAt = -Infinity;
  let patienceMs = SOON_MS;
  const want = (shards: Iterable<number>) => {
    for (const shard of shards) wanted.add(shard);
  };
  return {
    want,
    wantAll: () => (allDueAt = -Infinity),
    take(now) {
      const due = now >= allDueAt;
      const shards = due ? all : [...wanted];
      wanted.clear();
      // From its beginning on: who wants all of them while this goes on gets another look.
      if (due) allDueAt = now + pollMs;
      return { all: due, shards };
    },
    seen: (somethingNew) => {
      patienceMs = somethingNew ? SOON_MS : Math.min(patienceMs * 2, pollMs);
    },
    putBack(shards) {
      if (shards.length === all.length) allDueAt = -Infinity;
      else want(shards);
      patienceMs = Math.min(patienceMs * 2, pollMs);
    },
    nextIn: (now) => {
      const isLate = allDueAt === -Infinity;
      const pollIn = isLate ? patienceMs : Math.max(0, allDueAt - now);
      return wanted.size > 0 ? Math.min(patienceMs, pollIn) : pollIn;
    },
  };
}
