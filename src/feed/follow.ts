import type { Clock } from '../db/clock.ts';
import { classify } from '../db/failure.ts';
import type { Instant } from '../instant.ts';
import { createBell } from '../live/bell.ts';
import type { Heartbeats } from '../live/heartbeats.ts';
import type { Limiter } from '../live/limiter.ts';
import type { FeedSource, FollowedTransaction } from './feed-source.ts';
import type { Watermark } from './horizons.ts';
import type { Tail } from './tail.ts';

/** What a feed tells, each with the cursor that reads on after it. */
export type FeedEvent = { readonly cursor: Buffer } & (
  | ({ readonly kind: 'transaction' } & FollowedTransaction)
  /** Everything recorded at or before the instant has been told. */
  | { readonly kind: 'bookmark'; readonly completeTo: Instant }
);

export type FollowDeps = {
  readonly tail: Tail;
  readonly clock: Clock;
  /** How many feeds read at the same time: the others' turn comes, and writes keep their connections. */
  readonly limiter: Limiter;
  /** Call upon streams that have been quiet: they tell a bookmark. */
  readonly heartbeats: Heartbeats<() => void>;
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
  { tail, clock, limiter, heartbeats }: FollowDeps,
  opening: Opening,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent, void, undefined> {
  const bell = createBell(clock);
  // It counts as quiet until all there was has been told: the first bookmark comes then.
  let [isQuiet, hasBookmark] = [true, false];
  const beQuiet = () => {
    isQuiet = true;
    bell.ring();
  };
  const spoke = () => {
    isQuiet = false;
    heartbeats.heard(beQuiet);
  };
  const unfollow = tail.follow(bell.ring);
  signal.addEventListener('abort', bell.ring);
  try {
    const look = tail.look();
    const source = await opening(async (when) => {
      while (!signal.aborted && !when()) {
        tail.assertAnswered();
        await bell.heard();
      }
      return !signal.aborted;
    }, look);
    if (source === null) return;
    const proof = createProof(tail, source, look);
    while (!signal.aborted) {
      tail.assertAnswered();
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
          if (hasBookmark) spoke();
        }
      }
      // Also while it is behind: those of others may keep it so for long, and it is quiet all the same.
      const completeTo = proof();
      if (completeTo !== null && isQuiet) {
        yield { kind: 'bookmark', cursor: source.cursor(), completeTo };
        hasBookmark = true;
        spoke();
      } else if (!isBehind) await bell.heard();
    }
  } finally {
    unfollow();
    heartbeats.forget(beQuiet);
    signal.removeEventListener('abort', bell.ring);
  }
}

/** The instant up to which all has been told, as far as that is known; null: not even what there was at the opening. */
function createProof(tail: Tail, source: FeedSource, opened: number): () => Instant | null {
  let passed: Watermark | null = null;
  let ahead: Watermark | null = null;
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
function unlessSilent(
  tail: Tail,
  read: Promise<Iterable<FollowedTransaction>>,
): Promise<Iterable<FollowedTransaction> | null> {
  return new Promise((resolve, reject) => {
    const unfollow = tail.follow(() => {
      try {
        tail.assertAnswered();
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
