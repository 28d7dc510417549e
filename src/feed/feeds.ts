import type { Clock } from '../db/clock.ts';
import type { Database } from '../db/database.ts';
import type { JournalCursor } from '../ledger/journal-walks.ts';
import { createHeartbeats } from '../live/heartbeats.ts';
import { createLimiter } from '../live/limiter.ts';
import type { Signals } from '../live/signals.ts';
import { createStreamSlots } from '../live/stream-slots.ts';
import { customerFeed } from './customer-feed.ts';
import type { FeedCursor, FeedPlace } from './feed-cursor.ts';
import { refuseAhead } from './feed-source.ts';
import { follow, type FeedEvent, type Opening } from './follow.ts';
import { BEGINNING, namespaceFeed } from './namespace-feed.ts';
import { createTail, type Tail } from './tail.ts';

export type FeedsOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly signals: Signals;
  /** How often the journal is looked at when no signal says so; default 1 s. */
  readonly pollMs?: number;
  /** A stream that has been quiet for so long gets a bookmark; default 15 s. */
  readonly bookmarkMs?: number;
  /** How long the database may not answer before streams end. */
  readonly staleAfterMs: number;
  /** The most streams at a time; one more is refused with TOO_MANY_WATCHES; default 1,000. */
  readonly limit?: number;
  /** Told of each look at the journal that failed; the next is tried by itself. */
  readonly onFailure: (error: unknown) => void;
};

export type FeedRequest = {
  readonly namespace: string;
  /** Null: the whole namespace. */
  readonly customerId: string | null;
  /** Of the kind that the request asks for. */
  readonly from: FeedCursor | 'beginning' | 'now';
};

/** The journal as streams of committed transactions, in version order of each book, none missed, none twice. */
export type Feeds = {
  /** Goes on until the signal aborts; refuses with TOO_MANY_WATCHES, DATABASE_UNAVAILABLE and PAGE_TOKEN_MISMATCH. */
  watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedEvent, void, undefined>;
  /** How many streams are open of how many there may be, and how far what they can tell lies behind now. */
  counts(): { readonly taken: number; readonly limit: number; readonly lagMs: number };
  /** Call it when all streams have ended: waits for what is being read. */
  close(): Promise<void>;
};

/** Feeds that read at the same time. */
const READERS = 2;

/** The most connections that feeds use at a time: their readers', and the one that looks at the journal's end. */
export const FEED_CONNECTIONS = READERS + 1;

export function createFeeds(options: FeedsOptions): Feeds {
  const { database, clock, limit = 1_000, pollMs = 1_000 } = options;
  const tail = createTail({ ...options, pollMs });
  const heartbeats = createHeartbeats<() => void>(clock, options.bookmarkMs ?? 15_000, (beQuiet) =>
    beQuiet(),
  );
  const deps = { tail, clock, heartbeats, limiter: createLimiter(READERS) };
  const slots = createStreamSlots(limit, `${limit} streams are open on this instance; try another`);
  return {
    async *watch(request, signal) {
      const free = slots.enter();
      try {
        yield* follow(deps, openingOf(database, tail, request), signal);
      } finally {
        free();
      }
    },
    counts: () => ({ taken: slots.taken(), limit, lagMs: tail.lagMs() }),
    close: () => tail.close(),
  };
}

const openingOf =
  (database: Database, tail: Tail, { namespace, customerId, from }: FeedRequest): Opening =>
  async (until, look) => {
    if (customerId !== null) {
      const key = { namespace, customerId };
      return (await until(() => tail.looked() >= look))
        ? customerFeed(database, tail, key, from === 'now' ? from : journalCursorOf(from))
        : null;
    }
    // From now on: what was committed before has an id below that of the mark, which was taken after.
    if (from === 'now') {
      const marked = () => (tail.complete()?.look ?? 0) >= look;
      const places = () => tail.complete()!.xids.map((position) => ({ position, inside: null }));
      return (await until(marked)) ? namespaceFeed(database, tail, namespace, places()) : null;
    }
    const places = placesOf(from);
    if (!(await until(() => tail.looked() >= look))) return null;
    if (places.some(({ position }, shard) => position > tail.shard(shard).horizon)) refuseAhead();
    return namespaceFeed(database, tail, namespace, places);
  };

function placesOf(from: FeedCursor | 'beginning'): readonly FeedPlace[] {
  if (from === 'beginning') return BEGINNING;
  return from.of === 'namespace' ? from.places : wrongKind();
}

function journalCursorOf(from: FeedCursor | 'beginning'): JournalCursor {
  if (from === 'beginning') return { version: 0, position: 0 };
  return from.of === 'customer' ? { version: from.version, position: from.ordinal } : wrongKind();
}

const wrongKind = (): never => {
  throw new Error('invariant: the cursor is of another kind than the request');
};
