import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

/** From the most to the least talkative; `silent` writes nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/**
 * Structured log: `log.info({ customerId }, 'grant created')`. An error goes under `err`. What a child logger
 * is given is not looked at: strings only.
 */
export type Log = Logger;

/** JSON lines, on standard output if nothing else is said. */
export function createLog(
  level: LogLevel,
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => (isPlain(fields) ? fields : (printable(fields) as Record<string, unknown>)),
      },
      // `printable` has dealt with errors already.
      serializers: { err: (err: unknown) => err },
    },
    destination,
  );
}

/** As much as is kept of what nobody reads. */
const MOST_UNREAD_BYTES = 1_048_576;
/** How long to leave a reader alone that takes nothing. */
const RETRY_MS = 100;
/** At the end, each after a tenth of a second. */
const LAST_ATTEMPTS = 5;

/**
 * Nobody waits for whoever reads it: what is not taken is kept, up to a bound, and what is dropped beyond it is told of in
 * a line of its own. What is taken is written at once, so the last line before a crash, usually the one that explains it,
 * is not lost. At the end of the process a reader that takes nothing is not waited for longer than a moment.
 */
export function standardOutput(pause: (ms: number) => Promise<void>): DestinationStream {
  // Once it has been looked at, a full pipe says so, instead of keeping the process.
  void process.stdout;
  let attempts = 0;
  const retryEAGAIN = () => (attempts -= 1) > 0;
  const out = pino.destination({ fd: 1, sync: true, maxLength: MOST_UNREAD_BYTES, retryEAGAIN });
  process.once('exit', () => {
    attempts = LAST_ATTEMPTS;
    try {
      out.flushSync();
    } catch {
      // Nobody can be told.
    }
  });
  let isWaiting = false;
  async function tryLater(): Promise<void> {
    isWaiting = true;
    await pause(RETRY_MS);
    isWaiting = false;
    // Whatever is written, what is kept goes first; its `flush` does nothing without a least length.
    out.write('');
  }
  out.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EAGAIN' && !isWaiting) void tryLater();
  });
  let dropped = 0;
  out.on('drop', (lines: string) => (dropped += lines.split('\n').length - 1));
  out.on('drain', () => {
    if (dropped === 0) return;
    const fields = `"level":"warn"${stdTimeFunctions.isoTime()},"dropped":${dropped}`;
    dropped = 0;
    out.write(`{${fields},"msg":"nobody read the log"}\n`);
  });
  return out;
}

/** From here on a line is likely to explain what comes next, which may be the end of the process. */
const TROUBLE = pino.levels.values['warn']!;

/** As many characters are written at once, whatever they are. */
const MOST_WAITING = 64 * 1_024;

/**
 * Gathers lines until `turn` resolves and writes them in one piece: to write a line by itself takes as much as to make
 * it. One of trouble is written at once, with those before it. The last line before a crash, usually the one that explains
 * it, is not lost; a process that is killed loses what it would have told of calls in that very turn.
 */
export function inTurns(turn: () => Promise<void>, out: DestinationStream): DestinationStream {
  let lines = '';
  const flush = () => {
    const all = lines;
    lines = '';
    if (all !== '') out.write(all);
  };
  // Before what is kept is written for the last time.
  process.prependListener('exit', flush);
  return {
    // pino says of each line which level it has.
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: TROUBLE,
    write(line: string) {
      if (lines === '') void turn().then(flush);
      lines += line;
      if (this.lastLevel >= TROUBLE || lines.length >= MOST_WAITING) flush();
    },
  } as DestinationStream & { readonly lastLevel: number };
}

/** Whether nothing of it needs to be made {@link printable}, which is so of every call that went well. */
function isPlain(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === 'bigint' || (typeof value === 'object' && value !== null)) return false;
  }
  return true;
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
