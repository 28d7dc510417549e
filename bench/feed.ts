import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/embedded/start.ts';
import { WireFailure } from '../test/rpc/clients.ts';
import { watchTransactions } from '../test/support/following.ts';

/**
 * A namespace's feed while two instances commit to the same books: does each commit arrive exactly once and in version
 * order, and how fast. `node bench/feed.ts --commits 100000`; each instance is a process of its own, and so is Postgres.
 */

const { values: given } = parseArgs({
  options: {
    commits: { type: 'string', default: '100000' },
    customers: { type: 'string', default: '2000' },
    /** Calls under way at the same time, of 100 spends each. */
    calls: { type: 'string', default: '8' },
  },
});
const [COMMITS, CUSTOMERS, CALLS] = [given.commits, given.customers, given.calls].map(Number) as [
  number,
  number,
  number,
];
const PER_CALL = 100;

type Instance = { readonly url: string; readonly child: ChildProcess };

async function startInstance(databaseUrl: string): Promise<Instance> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: databaseUrl,
      CREDIT_LEDGER_PORT: '0',
      CREDIT_LEDGER_LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, child };
  }
  throw new Error('an instance did not start');
}

async function commitAll(instances: readonly Instance[]): Promise<void> {
  let call = 0;
  const spender = async (own: number) => {
    for (let next = call++; next * PER_CALL < COMMITS; next = call++) {
      const requests = Array.from({ length: PER_CALL }, (_, i) => ({
        customerId: `c ${(next * 37 + i * 13) % CUSTOMERS}`,
        currency: 'USD',
        amount: '1',
        settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
        idempotencyKey: `${next} ${i}`,
      }));
      // A machine that is too busy refuses some; with their keys they are safe to repeat.
      for (let at = own + next; !(await spend(instances[at % instances.length]!.url, requests)); at++);
    }
  };
  await Promise.all(Array.from({ length: CALLS }, (_, own) => spender(own)));
}

async function spend(url: string, requests: readonly object[]): Promise<boolean> {
  const response = await fetch(`${url}/credit.v1.CreditService/BatchConsumeCredits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requests }),
  });
  const { results } = (await response.json()) as { results?: { error?: object }[] };
  return results?.every(({ error }) => error === undefined) ?? false;
}

type Heard = { told: number; wrong: number; resumed: number; longestCursor: number };

/**
 * Follows until all is told, and goes on from the last cursor when the stream ends. Each customer's versions have to
 * come one after the other from 1: so each comes once, and in order.
 */
async function follow(url: string): Promise<Heard> {
  const heard: Heard = { told: 0, wrong: 0, resumed: 0, longestCursor: 0 };
  const versions = new Map<string, number>();
  let cursor = '';
  let watching = watchTransactions(url);
  while (heard.told < COMMITS) {
    const message = await watching.next().catch((error: unknown) => {
      if (!(error instanceof WireFailure) || error.seen['code'] !== 'UNAVAILABLE') throw error;
    });
    if (message === undefined) {
      watching.end();
      watching = watchTransactions(url, { cursor });
      heard.resumed += 1;
      continue;
    }
    ({ cursor } = message);
    heard.longestCursor = Math.max(heard.longestCursor, cursor.length);
    if (message.event.case !== 'transaction') continue;
    const { customerId, version } = message.event.value;
    if (Number(version) !== (versions.get(customerId) ?? 0) + 1) heard.wrong += 1;
    versions.set(customerId, Number(version));
    heard.told += 1;
  }
  watching.end();
  return heard;
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};
const rate = (took: number) => `${took.toFixed(1)} s, ${Math.round(COMMITS / took)}/s`;

mkdirSync('.data', { recursive: true });
const dataDir = mkdtempSync('.data/bench-');
const postgres = await startEmbeddedPostgres({ dataDir });
const instances: Instance[] = [];
try {
  for (let i = 0; i < 2; i++) instances.push(await startInstance(postgres.ownerUrl));
  const report = (what: string, took: number, { told, wrong, resumed, longestCursor }: Heard) => {
    console.log(`${what}: ${told} told, ${wrong} missed, repeated or out of order; ${rate(took)}`);
    console.log(`  resumed ${resumed} times; cursors of ${longestCursor} characters at most`);
    if (wrong > 0) process.exitCode = 1;
  };
  let heard: Heard | undefined;
  let committed = 0;
  const took = await seconds(async () => {
    [heard, committed] = await Promise.all([follow(instances[0]!.url), seconds(() => commitAll(instances))]);
  });
  console.log(`${COMMITS} commits, ${CUSTOMERS} customers, two instances: ${rate(committed)}`);
  report('followed meanwhile', took, heard!);
  console.log(`  behind the last commit: ${(took - committed).toFixed(2)} s`);
  const read = await seconds(async () => {
    heard = await follow(instances[1]!.url);
  });
  report('read again from the beginning', read, heard!);
} finally {
  for (const { child } of instances) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
