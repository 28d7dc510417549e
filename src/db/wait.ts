import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks `probe` until it answers something other than undefined. Never longer than `timeoutMs`: then the
 * answer is undefined, and the caller says what it was waiting for.
 */
export async function waitUntil<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  { timeoutMs, everyMs = 10 }: { timeoutMs: number; everyMs?: number },
): Promise<T | undefined> {
  // Monotonic: a clock that is set while we wait must not end the wait, or prolong it.
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= deadline) return undefined;
    await sleep(everyMs);
  }
}

/** Waits, or until `signal` aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
