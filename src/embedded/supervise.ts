import { pause } from '../db/clock.ts';
import { StartError } from '../start-error.ts';
import type { Lease } from './lease.ts';

/** Who is told that a server has ended by itself, and what becomes of it. */
export type OnTrouble = {
  /** It has ended, or could not be started just now, for this reason; it is tried again. */
  down(why: string): void;
  /** It takes connections again, at the URL it had. */
  up(): void;
  /** It cannot be started, and is not tried any more. */
  givenUp(error: unknown): void;
};

/** Attempts, unless it is the disk that is full: that is waited for, however long it takes. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Watches a server through the session of its lease, and has it started again when that ends. `end` stops watching and
 * answers the lease there is by then; none where the server was down.
 */
export function supervise(
  first: Lease,
  startAgain: () => Promise<Lease>,
  told: OnTrouble,
): { end(): Promise<Lease | undefined> } {
  const ending = new AbortController();
  const { signal } = ending;
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const watching = (async () => {
    let lease: Lease | undefined = first;
    while (lease !== undefined) {
      await Promise.race([lease.ended, ended]);
      if (signal.aborted) return lease;
      told.down('it has ended by itself');
      lease = await restart();
    }
    return undefined;
  })();
  return {
    end() {
      ending.abort();
      return watching;
    },
  };

  async function restart(): Promise<Lease | undefined> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const lease = await startAgain();
        told.up();
        return lease;
      } catch (error) {
        const full = isDiskFull(error);
        if (!full && attempt === ATTEMPTS) {
          told.givenUp(error);
          return undefined;
        }
        told.down(full ? 'its disk is full: make room' : String(error));
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS), signal);
      }
    }
    return undefined;
  }
}

/** As Postgres says it in its log, or the operating system to us. */
const isDiskFull = (error: unknown): boolean =>
  error instanceof StartError
    ? error.message.includes('No space left on device')
    : (error as NodeJS.ErrnoException).code === 'ENOSPC' || (error as { code?: string }).code === '53100';
