import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

/** From the most to the least talkative; `silent` writes nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/**
 * Structured log: `log.info({ customerId }, 'grant created')`. An error goes under `err`. What a child logger
 * is given is not looked at: strings only.
 */
export type Log = Logger;

/**
 * JSON lines on standard output. Written synchronously, so that the last line before a crash, usually the
 * one that explains it, is never lost in a buffer.
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => printable(fields) as Record<string, unknown>,
      },
      // `printable` has dealt with errors already.
      serializers: { err: (err: unknown) => err },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/**
 * Versions and ids are bigint: as JSON numbers they would be rounded by whoever reads the log, so they are
 * written as strings. Errors are serialised wherever they sit, because pino writes `{}` for one that is not
 * under `err`, and an error lost to a misspelt key is the one needed at night.
 */
function printable(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  // Also what ends a cycle: a log line must never be the reason for a failure.
  if (depth > deepest) return '…';
  if (Array.isArray(value)) return value.map((item) => printable(item, depth + 1));
  const fields = value instanceof Error ? stdSerializers.err(value) : value;
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, printable(item, depth + 1)]));
}

const deepest = 8;
