import type { Clock } from '../../db/clock.ts';
import { RefusalError } from '../../refusal.ts';

/**
 * The longest a unary call is worked on when its caller set no deadline, or a later one.
 * Without it a forgotten deadline and a stuck database would hold memory for ever.
 */
const LONGEST_UNARY_MS = 60_000;

/** When a unary call ends at the latest. Deadlines are in the clock's monotonic milliseconds; Infinity: there is none. */
export const unaryDeadline = (clock: Clock, requestedMs: number): number =>
  Math.min(requestedMs, clock.monotonic() + LONGEST_UNARY_MS);

/** Calls `expired` when the deadline has passed; gives back what calls that off. */
export const atDeadline = (clock: Clock, deadlineMs: number, expired: () => void): (() => void) =>
  clock.after(deadlineMs - clock.monotonic(), expired);

/** Why a call ends whose caller waits no longer. */
export const tooLate = () =>
  new RefusalError({
    reason: 'DEADLINE_EXCEEDED',
    message: 'the deadline passed before the answer was ready',
    metadata: {},
  });
