import { classify } from '../db/failure.ts';
import type { Instant } from '../instant.ts';
import { createBell, type Alarms } from '../live/alarms.ts';
import type { FeedSource, Told } from './feed-source.ts';
import type { Limiter } from '../live/limiter.ts';
import type { Mark } from './sight.ts';
import type { Tail } from './tail.ts';

/** What a feed tells, each with the cursor that reads on after it. */
export type FeedEvent = { readonly cursor: Buffer } & (
  | ({ readonly kind: 'transaction' } & Told)
  /** Everything recorded at or before the instant has been told. */
  | { readonly kind: 'bookmark'; readonly completeTo: Instant }
);

export type FollowDeps = {
  readonly tail: Tail;
  readonly alarms: Alarms;
  /** How many feeds read at the same time: the others' turn comes, and writes keep their connections. */
  readonly limiter: Limiter;
  /** A stream that has been quiet for so long gets a bookmark. */
  readonly bookmarkMs: number;
};

/** Finds out where to begin, once the tail has been looked at since; null when the stream is over before that. */
export type Opening = (
  until: (when: () => boolean) => Promise<boolean>,
  look: number,
) => Promise<FeedSource | null>;

/** How soon a read that failed is tried again, unless the tail says more before. */
const AGAIN_MS = 200;

/**
 * Tells what a source has, and goes on as more comes: a page at a time, and the next one only when the last has been
 * taken. A bookmark when all there was at the opening has been told, and whenever it has been quiet. Ends when the signal
 * aborts. Throws what the source refuses, and DATABASE_UNAVAILABLE when the database has been silent too long.
 */
export async function* follow(
  { tail, alarms, limiter, bookmarkMs }: FollowDeps,
  opening: Opening,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent, void, undefined> {
  const bell = createBell(alarms);
  const unfollow = tail.follow(bell.ring);
  signal.addEventListener('abort', bell.ring);
  try {
    const look = tail.look();
    const source = await opening(async (when) => {
      while (!signal.aborted && !when()) {
        tail.assertHeard();
        await bell.heard(Infinity);
      }
      return !signal.aborted;
    }, look);
    if (source === null) return;
    const proof = createProof(tail, source, look);
    // It has not been quiet before all there was has been told: the first bookmark comes then.
    let quietSince = -Infinity;
    while (!signal.aborted) {
      tail.assertHeard();
      const isBehind = source.isBehind();
      if (isBehind) {
        const page = await unlessSilent(
          tail,
          limiter(() => source.read()),
        );
        if (page === null) await bell.heard(AGAIN_MS);
        for (const told of page ?? []) {
          yield { kind: 'transaction', cursor: source.cursor(), ...told };
          if (signal.aborted) return;
          if (quietSince !== -Infinity) quietSince = alarms.now();
        }
      }
      // Also while it is behind: those of others may keep it so for long, and it is quiet all the same.
      const completeTo = proof();
      const dueIn = completeTo === null ? Infinity : quietSince + bookmarkMs - alarms.now();
      if (completeTo !== null && dueIn <= 0) {
        yield { kind: 'bookmark', cursor: source.cursor(), completeTo };
        quietSince = alarms.now();
      } else if (!isBehind) await bell.heard(dueIn);
    }
  } finally {
    unfollow();
    signal.removeEventListener('abort', bell.ring);
  }
}

/** The instant up to which all has been told, as far as that is known; null: not even what there was at the opening. */
function createProof(tail: Tail, source: FeedSource, opened: number): () => Instant | null {
  let passed: Mark | null = null;
  let ahead: Mark | null = null;
  return () => {
    const newest = tail.complete();
    if (newest !== null && newest.look >= opened) {
      ahead ??= newest;
      if (source.isPast(newest)) [passed, ahead] = [newest, null];
      // A source that is always a little behind never passes the newest, but those before.
      else if (source.isPast(ahead)) [passed, ahead] = [ahead, newest];
    }
    // Of that very millisecond there may be more to come: instants are cut to it.
    return passed === null ? null : passed.at - 1;
  };
}

/** What is read; null when the database could not be reached; throws when it has been silent too long. */
function unlessSilent(tail: Tail, read: Promise<Iterable<Told>>): Promise<Iterable<Told> | null> {
  return new Promise((resolve, reject) => {
    const unfollow = tail.follow(() => {
      try {
        tail.assertHeard();
      } catch (error) {
        reject(error);
      }
    });
    read
      .then(resolve, (error: unknown) =>
        classify(error) === 'fault' ? reject(error as Error) : resolve(null),
      )
      .finally(unfollow);
  });
}
