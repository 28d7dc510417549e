import type { Clock } from '../db/clock.ts';
import { classify } from '../db/failure.ts';
import { RefusalError } from '../refusal.ts';

/**
 * Knows when the database has not answered for too long, so that nobody takes silence for "nothing has happened". It is
 * counted from the first question that has no answer: a process that slept has asked nothing meanwhile.
 */
export type Watchdog = {
  /** It is asked something. */
  asked(): void;
  /** It has answered, or nobody waits for it any more. */
  answered(): void;
  /** It has not; what it said instead is the reason, if it was no matter of reaching it. */
  failed(error: unknown): void;
  /** Throws while the silence lasts: DATABASE_UNAVAILABLE, or the failure behind it. */
  assertAnswered(): void;
};

const LONG_TURN_MS = 100;
/** To make a connection and to ask takes some. */
const LONG_TURNS = 20;

export type WatchdogOptions = {
  readonly longestMs: number;
  /** What DATABASE_UNAVAILABLE says. */
  readonly words: string;
  /** Called whenever the silence has lasted so long again: for whoever has come meanwhile. */
  readonly onSilence: (reason: Error) => void;
};

export function createWatchdog(clock: Clock, { longestMs, words, onSilence }: WatchdogOptions): Watchdog {
  let failure: unknown;
  let isSilent = false;
  let callOff: (() => void) | undefined;

  const reason = (): Error =>
    failure instanceof Error && classify(failure) === 'fault' ? failure : unavailable(words, failure);

  function bark(): void {
    isSilent = true;
    callOff = wait();
    onSilence(reason());
  }
  /**
   * A process that is held up hears little, and timers come before what has been sent to it. So it barks only after a turn
   * of its loop that was short, or after so many that were not.
   */
  function look(turns: number): void {
    const began = clock.monotonic();
    callOff = clock.after(0, () => {
      if (clock.monotonic() - began > LONG_TURN_MS && turns > 1) look(turns - 1);
      else bark();
    });
  }
  const wait = () => clock.after(longestMs, () => look(LONG_TURNS));
  const asked = () => void (callOff ??= wait());

  return {
    asked,
    answered: () => {
      callOff?.();
      [callOff, isSilent, failure] = [undefined, false, undefined];
    },
    failed: (error) => {
      failure = error;
      asked();
    },
    assertAnswered: () => {
      if (isSilent) throw reason();
    },
  };
}

export function unavailable(message: string, cause: unknown): RefusalError {
  const refusal = new RefusalError({ reason: 'DATABASE_UNAVAILABLE', message, metadata: {} });
  refusal.cause = cause;
  return refusal;
}
