import { SHARDS } from '../tables/book-key.ts';
import { databaseTime, type Clock } from '../db/clock.ts';
import { settleAll, type Database } from '../db/database.ts';
import { createAgenda } from './agenda.ts';
import type { Alarms } from '../live/alarms.ts';
import { readMarks } from '../tables/writers.ts';
import { readTails, type ShardTail } from './feed-rows.ts';
import { createPace } from './pace.ts';
import { addMark, heldBack, noSight, takeIn, type Mark } from './sight.ts';
import type { Signals } from '../live/signals.ts';
import { createWatchdog } from '../live/watchdog.ts';

export type TailOptions = {
  readonly database: Database;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly signals: Signals;
  /** How often all shards are looked at, whatever the signals say. */
  readonly pollMs: number;
  /** How long the database may be silent beyond that before followers are told. */
  readonly unreachableMs: number;
  readonly onFailure: (error: unknown) => void;
};

/** The end of the journal as this process sees it: looked at once for all feeds, and only while there are any. */
export type Tail = {
  /** A shard as the last look found it: the same object until the next. Horizons never go back. */
  shard(shard: number): ShardTail;
  /** The newest mark that the horizons are above. */
  complete(): Mark | null;
  /** The number of the last look at all shards. */
  looked(): number;
  /** Asks for a look at all shards that begins from now on; answers with its number. */
  look(): number;
  /** Calls after every look, and when the database has been silent too long; answers with how to stop that. */
  follow(wake: () => void): () => void;
  /** Throws while the database is silent: DATABASE_UNAVAILABLE, or what failed if that was no matter of reaching it. */
  assertHeard(): void;
  /** Call it when nobody follows any more: waits for the look under way. */
  close(): Promise<void>;
};

const ALL: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Looks are no closer together, so that under load one look sees the commits of several. */
const BREATH_MS = 10;

export function createTail(options: TailOptions): Tail {
  const { alarms, signals, pollMs, unreachableMs, onFailure } = options;
  const sight = noSight();
  const agenda = createAgenda(ALL, pollMs);
  const followers = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of followers) wake();
  };
  const watchdog = createWatchdog(alarms, pollMs + unreachableMs, wakeAll);
  let [begun, looked] = [0, 0];
  let ignoreSignals: (() => void) | undefined;

  const pace = createPace(alarms, BREATH_MS, async () => {
    const { all, shards } = agenda.take(alarms.now());
    try {
      if (all) addMark(sight, await takeMark(options, (begun += 1)));
      agenda.seen(takeIn(sight, shards, await look(options, shards)));
      if (all) looked = begun;
      watchdog.broken();
    } catch (error) {
      onFailure(error);
      watchdog.failed(error);
      agenda.putBack(shards);
    }
    wakeAll();
    agenda.want(heldBack(sight));
    if (followers.size > 0) pace.within(agenda.nextIn(alarms.now()));
  });

  function begin(): void {
    watchdog.broken();
    ignoreSignals = signals.subscribe((changed) => {
      agenda.want(changed.map(({ shard }) => shard));
      pace.within(0);
    });
  }

  function end(): void {
    ignoreSignals?.();
    watchdog.end();
    pace.rest();
  }

  return {
    shard: (shard) => sight.shards[shard]!,
    complete: () => sight.complete,
    looked: () => looked,
    look: () => {
      agenda.wantAll();
      pace.within(0);
      return begun + 1;
    },
    follow: (wake) => {
      if (followers.size === 0) begin();
      followers.add(wake);
      return () => {
        if (followers.delete(wake) && followers.size === 0) end();
      };
    },
    assertHeard: watchdog.assertBroken,
    close: pace.stop,
  };
}

const look = ({ database }: TailOptions, shards: readonly number[]): Promise<readonly ShardTail[]> =>
  database.snapshot((connection) => readTails(connection, shards));

const takeMark = ({ database, clock }: TailOptions, number: number): Promise<Mark> =>
  database.transaction(async (connection) => {
    // The time first: what gets a later id than these reads its clock after it.
    const [now, xids] = await settleAll([databaseTime(connection), readMarks(connection, ALL)]);
    return { look: number, at: clock(now), xids };
  });
