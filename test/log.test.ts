import { describe, expect, test } from 'vitest';
import { createLog, inTurns, type Log, type LogLevel } from '../src/log.ts';

/** The lines that `write` logs, parsed. */
function linesOf(level: LogLevel, write: (log: Log) => void): unknown[] {
  const lines: string[] = [];
  write(createLog(level, { write: (line: string) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as unknown);
}

test('a line names its level and has an ISO instant', () => {
  expect(linesOf('info', (log) => log.info({ customerId: 'c1' }, 'grant created'))).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), customerId: 'c1', msg: 'grant created' },
  ]);
});

test('a line below the level is not written', () => {
  expect(linesOf('warn', (log) => log.info('hello'))).toEqual([]);
});

test('bigints are strings, at any depth: readers of JSON would round them', () => {
  const id = 9_007_199_254_740_993n;

  expect(linesOf('info', (log) => log.info({ id, list: [id], nested: { id } }))).toEqual([
    expect.objectContaining({ id: id.toString(), list: [id.toString()], nested: { id: id.toString() } }),
  ]);
});

test('an error keeps its message, its cause and its own fields', () => {
  const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { version: 7n });

  expect(linesOf('info', (log) => log.error({ err: error }, 'failed'))).toEqual([
    expect.objectContaining({
      err: {
        type: 'Error',
        message: 'outer: inner',
        stack: expect.stringContaining('caused by'),
        version: '7',
      },
    }),
  ]);
});

test('an error under another key is not lost', () => {
  expect(linesOf('info', (log) => log.error({ reason: new Error('lost?') }))).toEqual([
    expect.objectContaining({ reason: expect.objectContaining({ message: 'lost?' }) }),
  ]);
});

test('a cycle is cut off', () => {
  const cycle: Record<string, unknown> = { name: 'a' };
  cycle['self'] = cycle;

  expect(linesOf('info', (log) => log.info({ cycle }))).toHaveLength(1);
});

describe('in turns', () => {
  /** A log of which the test ends the turns, and what was written of it, piece by piece. */
  function gathered() {
    const pieces: string[] = [];
    let turn = Promise.withResolvers<void>();
    const log = createLog(
      'info',
      inTurns(() => turn.promise, { write: (piece: string) => void pieces.push(piece) }),
    );
    const end = async () => {
      turn.resolve();
      await turn.promise;
      turn = Promise.withResolvers();
    };
    /** What each piece says. */
    const written = () =>
      pieces.map((piece) =>
        piece
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { readonly msg: string }).msg),
      );
    return { log, end, written };
  }

  test('lines of one turn are written in one piece, at its end', async () => {
    const { log, end, written } = gathered();
    log.info('a');
    log.info('b');

    expect(written()).toEqual([]);
    await end();
    expect(written()).toEqual([['a', 'b']]);
    log.info('c');
    await end();
    expect(written()).toEqual([['a', 'b'], ['c']]);
  });

  test('trouble is written at once, behind what came before it', async () => {
    const { log, end, written } = gathered();
    log.info('a');
    log.warn('trouble');
    log.fatal('the end');

    expect(written()).toEqual([['a', 'trouble'], ['the end']]);
    await end();
    expect(written()).toHaveLength(2);
  });

  test('many lines do not wait for the end', () => {
    const { log, written } = gathered();
    for (let i = 0; i < 1_000; i += 1) log.info('x'.repeat(100));

    expect(written().length).toBeGreaterThan(1);
  });
});
