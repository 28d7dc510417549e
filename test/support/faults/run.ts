import { setTimeout as pause } from 'node:timers/promises';
import { openSql } from '../sql.ts';
import { startFollowers } from './followers.ts';
import { startInstance, type Instance } from './instances.ts';
import { drawFaults, FAULTS, type Drawing, type Fault, type FaultKind } from './kinds.ts';
import { reckon, type Reckoning } from './reckoning.ts';
import { startWriters, type Outcome } from './writers.ts';

export type FaultRun = Drawing & {
  readonly databaseUrl: string;
  readonly customers: number;
  readonly writers: number;
  readonly thinkMs: number;
  /** Environment of the instances. */
  readonly env?: Readonly<Record<string, string>>;
  readonly restartPostgres?: () => Promise<void>;
  /** Begins no more faults: those that were are reckoned up. */
  readonly signal?: AbortSignal;
  /** Told of each fault before it begins. */
  readonly onFault?: (fault: Fault, number: number) => void;
};

export type FaultReport = Reckoning & {
  readonly acknowledged: number;
  readonly repeated: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of the attempts that were under way in a fault of the kind: how many faults, and the longest of the attempts. */
  readonly byKind: Readonly<Record<string, { readonly faults: number; readonly longestMs: number }>>;
};

/** Longer than any limit of the service: who has waited that long finds that it hangs. */
const PATIENCE_MS = 20_000;

/** Between two faults so much is done, that the next finds all in order. */
const DONE_BETWEEN = 3;

/**
 * Faults, one after the other, over two instances of the service whose callers write with keys and repeat, while others
 * follow what is written. In the end all is well again, and what is there is held against what was acknowledged.
 */
export async function runFaults(run: FaultRun): Promise<FaultReport> {
  const { databaseUrl, restartPostgres } = run;
  const customers = Array.from({ length: run.customers }, (_, i) => `customer ${i}`);
  const instances: Instance[] = [];
  try {
    for (let i = 0; i < 2; i += 1) instances.push(await startInstance(databaseUrl, run.env));
    const urls = instances.map(({ url }) => url);
    const count = countOutcomes();
    const { writers: howMany, thinkMs } = run;
    const waits = { patienceMs: PATIENCE_MS, thinkMs };
    const writers = startWriters({ urls, customers, writers: howMany, onOutcome: count.add, ...waits });
    const followers = startFollowers(urls[0]!, urls[1]!, customers.slice(0, 4));
    const stage = { databaseUrl, instances, customers, ...(restartPostgres && { restartPostgres }) };

    await count.until('done', DONE_BETWEEN);
    for (const [i, fault] of drawFaults(run).entries()) {
      if (run.signal?.aborted === true) break;
      run.onFault?.(fault, i);
      count.during(fault.kind);
      const end = await FAULTS[fault.kind](stage, fault);
      await Promise.race([count.until('any', fault.outcomes), pause(fault.longestMs)]);
      await end();
      await count.until('done', DONE_BETWEEN);
    }
    await writers.finish();
    const sql = await openSql(databaseUrl);
    try {
      const reckoning = await reckon(urls[0]!, sql, writers.acknowledged, followers);
      const acknowledged = writers.acknowledged.length;
      return { acknowledged, repeated: writers.repeated(), ...count.told(), ...reckoning };
    } finally {
      await sql.end();
    }
  } finally {
    await Promise.all(instances.map((instance) => instance.close()));
  }
}

/** Counts what comes of attempts, by outcome and by the fault that goes on. */
function countOutcomes() {
  const outcomes: Record<string, number> = {};
  const byKind: Record<string, { faults: number; longestMs: number }> = {};
  let kind: string | null = null;
  let [done, all] = [0, 0];
  let waiting: { readonly isSo: () => boolean; readonly resolve: () => void }[] = [];
  return {
    add(outcome: Outcome, tookMs: number) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      all += 1;
      if (outcome === 'done') done += 1;
      if (kind !== null) byKind[kind]!.longestMs = Math.max(byKind[kind]!.longestMs, Math.round(tookMs));
      const [met, rest] = [waiting.filter(({ isSo }) => isSo()), waiting.filter(({ isSo }) => !isSo())];
      waiting = rest;
      for (const { resolve } of met) resolve();
    },
    during(next: FaultKind) {
      kind = next;
      byKind[next] ??= { faults: 0, longestMs: 0 };
      byKind[next].faults += 1;
    },
    /** Resolves when so many more attempts are done, or have come to any outcome. */
    until(what: 'done' | 'any', more: number): Promise<void> {
      const now = () => (what === 'done' ? done : all);
      const goal = now() + more;
      return new Promise((resolve) => waiting.push({ isSo: () => now() >= goal, resolve }));
    },
    told: () => ({ outcomes, byKind }),
  };
}
