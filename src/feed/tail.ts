import { SHARDS } from '../tables/book-key.ts';
import { databaseTime, type Clock } from '../db/clock.ts';
import { awaitAll, type Database } from '../db/database.ts';
import { createLoop } from '../live/loop.ts';
import type { Signals } from '../live/signals.ts';
import { createWatchdog } from '../live/watchdog.ts';
import { readMarks } from '../tables/writers.ts';
import { readTails, type ShardTail } from './feed-rows.ts';
import { addWatermark, heldBack, lagOf, noHorizons, takeIn, type Watermark } from './horizons.ts';
import { createSchedule } from './schedule.ts';

export type TailOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly signals: Signals;
  /** How often all shards are looked at, whatever the signals say. */
  readonly pollMs: number;
  /** How long the database may not answer before followers are told. */
  readonly staleAfterMs: number;
  readonly onFailure: (error: unknown) => void;
};

/** The end of the journal as this process sees it: looked at once for all feeds, and only while there are any. */
export type Tail = {
  /** A shard as the last look found it: the same object until the next. Its end never goes back. */
  shard(shard: number): ShardTail;
  /** The newest watermark that the horizons are above. */
  complete(): Watermark | null;
  /** The number of the last look at all shards. */
  looked(): number;
  /** Asks for a look at all shards that begins from now on; answers with its number. */
  look(): number;
  /** Calls after every look, and when the database has been silent too long; answers with how to stop that. */
  follow(wake: () => void): () => void;
  /** Throws while the database is silent: DATABASE_UNAVAILABLE, or what failed if that was no matter of reaching it. */
  assertAnswered(): void;
  /** How far what can be told lies behind now, in milliseconds; 0 while nobody follows. */
  lagMs(): number;
  /** Call it when nobody follows any more: waits for the look under way. */
  close(): Promise<void>;
};

const ALL: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Looks are no closer together, so that under load one look sees the commits of several. */
const BREATH_MS = 10;

const WORDS = 'the database cannot be reached; resume with the last cursor';

export function createTail(options: TailOptions): Tail {
  const { clock, signals, pollMs, staleAfterMs, onFailure } = options;
  const horizons = noHorizons();
  const schedule = createSchedule(ALL, pollMs);
  const followers = new Set<() => void>();
  const wakeAll = () => followers.forEach((wake) => wake());
  const watchdog = createWatchdog(clock, { longestMs: staleAfterMs, words: WORDS, onSilence: wakeAll });
  let [begun, looked] = [0, 0];
  let ignoreSignals: (() => void) | undefined;

  const loop = createLoop(clock, BREATH_MS, async () => {
    const { all, shards } = schedule.take(clock.monotonic());
    watchdog.asked();
    try {
      if (all) addWatermark(horizons, await takeWatermark(options, (begun += 1)));
      schedule.seen(takeIn(horizons, shards, await look(options, shards)));
      if (all) looked = begun;
      watchdog.answered();
    } catch (error) {
      onFailure(error);
      watchdog.failed(error);
      schedule.putBack(shards);
    }
    wakeAll();
    schedule.want(heldBack(horizons));
    if (followers.size > 0) loop.within(schedule.nextIn(clock.monotonic()));
  });

  function begin(): void {
    // Also where a look that began before hangs: from now on somebody waits for it.
    watchdog.asked();
    ignoreSignals = signals.subscribe((changed) => {
      schedule.want(changed.map(({ shard }) => shard));
      loop.within(0);
    });
  }

  function end(): void {
    ignoreSignals?.();
    watchdog.answered();
    loop.rest();
  }

  return {
    shard: (shard) => horizons.shards[shard]!,
    complete: () => horizons.complete,
    looked: () => looked,
    look: () => {
      schedule.wantAll();
      loop.within(0);
      return begun + 1;
    },
    follow: (wake) => {
      if (followers.size === 0) begin();
      followers.add(wake);
      return () => {
        if (followers.delete(wake) && followers.size === 0) end();
      };
    },
    assertAnswered: watchdog.assertAnswered,
    lagMs: () => (followers.size === 0 ? 0 : lagOf(horizons, clock.now())),
    close: loop.stop,
  };
}

const look = ({ database }: TailOptions, shards: readonly number[]): Promise<readonly ShardTail[]> =>
  database.snapshot((connection) => readTails(connection, shards));

const takeWatermark = ({ database, clock }: TailOptions, number: number): Promise<Watermark> =>
  database.transaction(async (connection) => {
    // The time first: what gets a later id than these reads its clock after it.
    const [now, xids] = await awaitAll([databaseTime(connection), readMarks(connection, ALL)]);
    return { look: number, at: clock.reads(now), xids };
  });
