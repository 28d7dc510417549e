import { classify } from '../db/failure.ts';
import { RefusalError } from '../refusal.ts';
import type { Alarms } from './alarms.ts';

/** Knows when the database has been silent for too long, so that nobody takes silence for "nothing has happened". */
export type Watchdog = {
  /** It has answered; silence is counted from here. */
  broken(): void;
  /** It has not; what it said instead is what is thrown, if it was no matter of reaching it. */
  failed(error: unknown): void;
  /** Throws while the silence lasts: DATABASE_UNAVAILABLE, or the failure behind it. */
  assertBroken(): void;
  /** Counts no longer. */
  end(): void;
};

/** `onSilence` is called once for each silence, when it has lasted so long. */
export function createWatchdog(alarms: Alarms, longestMs: number, onSilence: () => void): Watchdog {
  let failure: unknown = null;
  let lasts = false;
  let disarm: (() => void) | undefined;
  const end = () => disarm?.();
  return {
    broken: () => {
      end();
      [failure, lasts] = [null, false];
      disarm = alarms.arm(longestMs, () => {
        lasts = true;
        onSilence();
      });
    },
    failed: (error) => (failure = error),
    assertBroken: () => {
      if (lasts)
        throw failure instanceof Error && classify(failure) === 'fault' ? failure : unreachable(failure);
    },
    end,
  };
}

function unreachable(cause: unknown): RefusalError {
  const refusal = new RefusalError({
    reason: 'DATABASE_UNAVAILABLE',
    message: 'the database cannot be reached; resume with the last cursor',
    metadata: {},
  });
  refusal.cause = cause;
  return refusal;
}
