import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/db/embedded/start.ts';
import { placeOf, watchTransactions } from '../test/support/watching.ts';

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
      ...{ DATABASE_URL: databaseUrl, CREDIT_LEDGER_PORT: '0', CREDIT_LEDGER_LOG_LEVEL: 'info' },
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
        ...{ customerId: `c ${(next * 37 + i * 13) % CUSTOMERS}`, currency: 'USD', amount: '1' },
        settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
      }));
      const { url } = instances[(own + next) % instances.length]!;
      const response = await fetch(`${url}/credit.v1.CreditService/BatchConsumeCredits`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ requests }),
      });
      const { results } = (await response.json()) as { results: { error?: { message: string } }[] };
      for (const { error } of results) if (error !== undefined) throw new Error(error.message);
    }
  };
  await Promise.all(Array.from({ length: CALLS }, (_, own) => spender(own)));
}

/** Follows until all is told. Each customer's versions have to come one after the other from 1: once, in order. */
async function follow(
  url: string,
): Promise<{ told: number; wrong: number; cursor: string; largest: number }> {
  const watching = watchTransactions(url);
  const versions = new Map<string, number>();
  let [told, wrong, cursor, largest] = [0, 0, '', 0];
  while (told < COMMITS) {
    const message = await watching.next();
    ({ cursor } = message);
    largest = Math.max(largest, cursor.length);
    if (message.event.case !== 'transaction') continue;
    const { customerId, version } = message.event.value;
    if (Number(version) !== (versions.get(customerId) ?? 0) + 1) {
      wrong += 1;
      console.log('wrong:', placeOf(message));
    }
    versions.set(customerId, Number(version));
    told += 1;
  }
  watching.end();
  return { told, wrong, cursor, largest };
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
  for (let i = 0; i < 2; i++) instances.push(await startInstance(postgres.url));
  let live: Awaited<ReturnType<typeof follow>> | undefined;
  let committed = 0;
  const took = await seconds(async () => {
    const following = follow(instances[0]!.url).then((result) => (live = result));
    committed = await seconds(() => commitAll(instances));
    await following;
  });
  console.log(`${COMMITS} commits, ${CUSTOMERS} customers, two instances: ${rate(committed)}`);
  console.log(
    `followed meanwhile: ${live!.told} told, ${live!.wrong} missed, repeated or out of order; ${rate(took)}`,
  );
  console.log(
    `behind the last commit: ${(took - committed).toFixed(2)} s; largest cursor ${live!.largest} characters`,
  );
  let again: Awaited<ReturnType<typeof follow>> | undefined;
  const read = await seconds(async () => (again = await follow(instances[1]!.url)));
  console.log(`read again from the beginning: ${again!.told} told, ${again!.wrong} wrong; ${rate(read)}`);
  process.exitCode = live!.wrong + again!.wrong === 0 ? 0 : 1;
} finally {
  for (const { child } of instances) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
