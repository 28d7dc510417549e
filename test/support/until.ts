import { waitUntil } from '../../src/db/clock.ts';

/**
 * Longer than anything takes on a machine that is busy with other work. Whatever is still waited for then hangs: the
 * limit is there to say so, never to measure speed.
 */
export const HANGS_AFTER_MS = 300_000;

/** What `probe` answers as soon as that is not undefined; fails, saying what was waited for, when it hangs. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  everyMs = 10,
): Promise<T> {
  const answer = await waitUntil(probe, { timeoutMs: HANGS_AFTER_MS, everyMs });
  if (answer === undefined) throw new Error(`waited in vain until ${what}`);
  return answer;
}

/** As {@link until}, for what is so or is not. */
export const untilSo = async (
  what: string,
  isSo: () => boolean | Promise<boolean>,
  everyMs?: number,
): Promise<void> => void (await until(what, async () => (await isSo()) || undefined, everyMs));
