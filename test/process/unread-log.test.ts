import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { endOf } from '../support/child.ts';
import { HANGS_AFTER_MS, untilSo } from '../support/until.ts';

/** A log whose reader has stalled, as a collector does that is blocked itself. */

const SCRIPT = `
  import { pause } from './src/db/clock.ts';
  import { createLog, standardOutput } from './src/log.ts';
  const log = createLog('info', standardOutput(pause));
  process.on('message', (lines) => {
    for (let i = 0; i < lines; i += 1) log.info({ text: 'x'.repeat(1_000) }, 'line');
    if (lines === 0) process.exit(0);
    process.send('logged');
  });
`;
const args = ['--input-type=module', '--eval', SCRIPT];
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
afterAll(() => endOf(child, 'SIGKILL'));

const log = async (lines: number): Promise<void> => {
  const logged = once(child, 'message');
  child.send(lines);
  await logged;
};

test(
  'stops nobody: what is dropped is told of once it is read again, and the end waits for no reader',
  async () => {
    child.stdout!.pause();
    await log(3_000);

    const told: { readonly msg: string; readonly dropped?: number }[] = [];
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => told.push(JSON.parse(line)));
    await untilSo('it is told what was dropped', () => told.some(({ msg }) => msg !== 'line'));
    const { dropped, ...notice } = told.find(({ msg }) => msg !== 'line')!;
    expect(notice).toEqual({ level: 'warn', time: expect.any(String), msg: 'nobody read the log' });
    expect(told.filter(({ msg }) => msg === 'line').length + dropped!).toBe(3_000);

    lines.close();
    await log(3_000);
    child.send(0);
    expect(await endOf(child)).toBe(0);
  },
  2 * HANGS_AFTER_MS,
);
