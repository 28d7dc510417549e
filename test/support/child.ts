import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { shutdown } from '../../src/embedded/server.ts';
import { HANGS_AFTER_MS } from './until.ts';

/** The service as an operator starts it: a process of its own, with the embedded Postgres as durable as it comes. */
export type ServiceProcess = {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal and waits for the end: the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Waits until it ends by itself, as {@link end} tells it. */
  ended(): Promise<number | NodeJS.Signals>;
};

/** A data directory with the processes that were started on it, all of which are gone after `remove`. */
export type DataDirectory = {
  readonly path: string;
  /** Of the Postgres that runs there, if one does. */
  postmaster(): number | undefined;
  /** Starts the service and waits until it serves. */
  start(env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Ends whatever still runs, by its pid, and removes the files. Call it in afterAll, so also when a test failed. */
  remove(): Promise<void>;
};

export function dataDirectory(): DataDirectory {
  mkdirSync('.data', { recursive: true });
  const path = realpathSync(mkdtempSync('.data/process-'));
  const children: ChildProcess[] = [];
  const postmaster = () => findPostmaster(join(path, 'postgres'))?.pid;
  return {
    path,
    postmaster,
    async start(env = {}) {
      const child = spawnService({ CREDIT_LEDGER_DATA_DIR: path, CREDIT_LEDGER_PORT: '0', ...env });
      children.push(child);
      return {
        url: await urlOf(child),
        pid: child.pid!,
        end: (signal) => endOf(child, signal),
        ended: () => endOf(child),
      };
    },
    async remove() {
      await Promise.all(children.map((child) => endOf(child, 'SIGKILL')));
      await shutdown(join(path, 'postgres'));
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** `node src/main.ts`, or what else starts the service, with nothing of our own environment but the path. */
export const spawnService = (
  env: Readonly<Record<string, string>>,
  [program, ...args]: readonly [string, ...string[]] = [process.execPath, 'src/main.ts'],
): ChildProcess =>
  spawn(program, args, {
    // Who is about the drain says how long it takes; nobody else waits for it. And nobody takes a port that others may want.
    env: {
      PATH: process.env['PATH'] ?? '',
      CREDIT_LEDGER_DRAIN_MS: '0',
      CREDIT_LEDGER_METRICS_PORT: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** The address in the line that says that it serves. What it says from then on is taken, and nobody reads it. */
export async function urlOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout! });
  child.stderr!.on('data', (data: Buffer) => said.push(String(data)));
  const late = AbortSignal.timeout(HANGS_AFTER_MS);
  late.addEventListener('abort', () => lines.close());
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.on('close', () => reject(new Error(`the service did not start:\n${said.join('\n')}`)));
      lines.on('line', (line) => {
        said.push(line);
        // npm says what it starts.
        const { url } = line.startsWith('{') ? (JSON.parse(line) as { url?: string }) : {};
        if (url !== undefined) resolve(url);
      });
    });
  } finally {
    // It pauses what it has read.
    lines.close();
    child.stdout!.resume();
  }
}

/** Sends the signal, if there is one, to a child that still runs, and waits for the end. */
export async function endOf(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(HANGS_AFTER_MS) });
    if (signal !== undefined) process.kill(child.pid!, signal);
    await exited;
  }
  return child.exitCode ?? child.signalCode!;
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
