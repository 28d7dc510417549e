import type { Clock } from '../db/clock.ts';
import { statement, type Database } from '../db/database.ts';
import type { Log } from '../log.ts';
import { createLoop } from './loop.ts';
import type { ReadinessSwitch, Unready } from './readiness.ts';
import { createWatchdog } from './watchdog.ts';

export type DatabaseProbeOptions = {
  /** A connection that nobody else uses, so that a crowd of calls is not taken for a database that is away. */
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
};

const EVERY_MS = 1_000;

/** A restart or a failover that is over sooner is none of a load balancer's business: calls are tried again by then. */
const LOST_AFTER_MS = 3_000;

const WORDS = `the database has not answered for ${LOST_AFTER_MS / 1_000} seconds`;

// On a standby it is on, too.
const TAKES_WRITES = statement<{ read_only: boolean }>(
  'takes_writes',
  `select current_setting('transaction_read_only')::boolean as read_only`,
);

/**
 * Asks the database once a second whether it takes writes, and says what comes of it: a process that can only read is
 * not ready, as others may still be connected to the primary. Ready again with the first good answer.
 */
export function createDatabaseProbe(
  { database, clock, log }: DatabaseProbeOptions,
  readiness: ReadinessSwitch,
): { close(): void } {
  let found: Unready = 'DATABASE_UNAVAILABLE';
  const watchdog = createWatchdog(clock, {
    longestMs: LOST_AFTER_MS,
    words: WORDS,
    onSilence: (err) => {
      if (readiness.set(found)) log.error({ reason: found, err }, 'not ready: the database is lost');
    },
  });

  async function look(): Promise<void> {
    watchdog.asked();
    try {
      const [row] = await database.run(TAKES_WRITES);
      if (row!.read_only) return lack('DATABASE_READ_ONLY', new Error('the database takes no writes'));
      watchdog.answered();
      if (readiness.set(null)) log.info('ready again: the database answers');
    } catch (error) {
      lack('DATABASE_UNAVAILABLE', error);
    }
  }

  function lack(what: Unready, error: unknown): void {
    found = what;
    watchdog.failed(error);
  }

  const loop = createLoop(clock, 0, async () => {
    loop.within(EVERY_MS);
    await look();
  });
  loop.within(0);

  return {
    close() {
      // A look that is under way may be what hangs: nobody waits for it.
      void loop.stop();
      watchdog.answered();
    },
  };
}
