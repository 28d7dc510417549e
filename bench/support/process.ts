import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { waitUntil } from '../../src/db/clock.ts';

/** A server in a process of its own, on a free port of loopback. */
export type ServerProcess = {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
  /** What it says. */
  readonly logFile: string;
  /** From the spawn until it said where it listens. */
  readonly startedInMs: number;
  /** Ends it in order, by force if it does not go; may be called again. */
  end(): Promise<void>;
};

const STARTS_WITHIN_MS = 60_000;
const ENDS_WITHIN_MS = 15_000;

/**
 * Starts a program that writes a JSON line with its `url` once it serves. What it says goes to a file: reading it here
 * would cost the machine that is being measured.
 */
export async function startProcess(
  command: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly logFile: string;
    readonly startsWithinMs?: number;
  },
): Promise<ServerProcess> {
  const [program = '', ...args] = command;
  const began = performance.now();
  const log = openSync(options.logFile, 'a');
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const end = () => endProcess(child);
  const url = await waitUntil(() => saidBy(child, options.logFile), {
    timeoutMs: options.startsWithinMs ?? STARTS_WITHIN_MS,
    everyMs: 5,
  });
  const startedInMs = performance.now() - began;
  if (url !== undefined && url !== 'ended')
    return { url, pid: child.pid!, logFile: options.logFile, startedInMs, end };
  await end();
  throw new Error(`${command.join(' ')} does not serve:\n${readFileSync(options.logFile, 'utf8')}`);
}

function saidBy(child: ChildProcess, logFile: string): string | undefined {
  const url = /"url":"(http:[^"]+)"/.exec(readFileSync(logFile, 'utf8'))?.[1];
  return url ?? (hasEnded(child) ? 'ended' : undefined);
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** SIGINT, after which a service waits for nobody to go elsewhere; and SIGKILL to the one that stays. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  const force = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  await exited;
  clearTimeout(force);
}
