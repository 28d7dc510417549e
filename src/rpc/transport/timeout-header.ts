import { LONGEST_TIMER_MS, type Clock } from '../../db/clock.ts';
import type { CallHead } from '../call/incoming-call.ts';
import { malformed } from './protocol-errors.ts';

const UNITS_MS = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 } as const;

/**
 * The milliseconds a caller gives its call, at most what a timer can count; undefined: as long as it takes.
 * @throws RefusalError where the header says no time: a call without the deadline its caller meant is none it wants.
 */
export function timeoutOf(
  header: (name: string) => string | undefined,
  name: TimeoutHeader,
): number | undefined {
  const text = header(name);
  if (text === undefined) return undefined;
  const ms = name === 'grpc-timeout' ? grpcTimeout(text) : /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  if (ms === undefined) {
    const wanted =
      name === 'grpc-timeout'
        ? 'up to 8 digits and one of H, M, S, m, u, n'
        : 'up to 10 digits, in milliseconds';
    throw malformed('timeout', `${name} is ${quoted(text)}: it must be ${wanted}`);
  }
  return Math.min(ms, LONGEST_TIMER_MS);
}

/** When the call's caller stops waiting, as far as its head can be read: who reads the rest of it tells what is wrong. */
export function deadlineIn({ header }: Pick<CallHead, 'header'>, name: TimeoutHeader, clock: Clock): number {
  try {
    return clock.monotonic() + (timeoutOf(header, name) ?? Infinity);
  } catch {
    return Infinity;
  }
}

export type TimeoutHeader = 'grpc-timeout' | 'connect-timeout-ms';

function grpcTimeout(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

const LONGEST_QUOTE = 64;

/** What a caller sent, as a message may show it. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, LONGEST_QUOTE));
