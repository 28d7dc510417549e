import { expect, test } from 'vitest';
import { createLog, type Log, type LogLevel } from '../src/log.ts';

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
