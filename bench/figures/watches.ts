import type { WatchJob } from '../load/watch-job.ts';
import type { Bench } from '../support/bench.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { percentile, spread } from '../support/samples.ts';
import { residentMiB } from '../support/usage.ts';

const WRITES_PER_SECOND = 1000;
const QUICK_WRITES_PER_SECOND = 50;
const SECONDS = 20;
const QUICK_SECONDS = 4;

export const watches: Figure = {
  name: 'watches',
  goal: '10,000 open watches: ≤ 40 KiB each; a write reaches them p99 ≤ 100 ms at 1,000 commits/s, a timed change ≤ 20 ms after its instant',
  limit: 400,
  run: async (bench) => {
    const { url, pid } = await bench.service(await bench.database('customers'));
    const load = bench.load();
    const count = bench.quick ? 500 : CUSTOMERS;
    const job = (more: Partial<WatchJob>): WatchJob => ({
      server: url,
      connections: 100,
      watches: 0,
      writesPerSecond: bench.quick ? QUICK_WRITES_PER_SECOND : WRITES_PER_SECOND,
      timedChanges: 0,
      seconds: bench.quick ? QUICK_SECONDS : SECONDS,
      ...more,
    });
    // Warmed up first, or the growth of a young process would be counted as the watches'.
    await load.run({
      calls: { kind: 'spend', servers: [url], customers: CUSTOMERS },
      connections: 1,
      deadlineMs: 30_000,
      pace: { kind: 'closed', inFlight: 64 },
      warmUpSeconds: 0,
      seconds: bench.quick ? 2 : 10,
    });
    const before = residentMiB(pid);
    const opened = await load.watch(job({ watches: count, seconds: 1, writesPerSecond: 1 }));
    if (opened.opened < count) throw new Error(`only ${opened.opened} of ${count} watches were opened`);
    const memory = ((residentMiB(pid) - before) * 1024) / count;
    // Once uncounted: what is compiled meanwhile delays the first ones.
    await load.watch(job({}));
    const written = await load.watch(job({}));
    // Timed changes by themselves: what is late here is late by itself.
    const timed = await load.watch(job({ writesPerSecond: 1, timedChanges: bench.quick ? 20 : 200 }));
    return rowsOf(bench, count, memory, written, timed);
  },
};

function rowsOf(
  bench: Bench,
  count: number,
  memory: number,
  written: Awaited<ReturnType<ReturnType<Bench['load']>['watch']>>,
  timed: typeof written,
): readonly Row[] {
  const row = (
    measured: string,
    what: string,
    value: number,
    unit: string,
    most: number,
    conditions: string,
  ) => ({
    measured,
    ours: { what, value, unit },
    other: null,
    ratio: null,
    conditions,
    goal: { bound: 'at most' as const, value: most },
  });
  // What no watcher was told of never arrived.
  const p99 = (samples: Float64Array, unseen: number) => (unseen > 0 ? Infinity : percentile(samples, 0.99));
  const perSecond = (written.committed / (bench.quick ? QUICK_SECONDS : SECONDS)).toFixed(0);
  const open = `${count.toLocaleString('en-US')} watches on as many customers, 100 connections`;
  return [
    row(
      'memory of an open watch',
      'resident memory',
      memory,
      'KiB',
      40,
      `${open}; growth of the process from before the first to after the last`,
    ),
    row(
      'from a write to its watcher',
      'p99',
      p99(written.afterWrites, written.unseenWrites),
      'ms',
      100,
      `${spread(written.afterWrites)}; ${written.unseenWrites} unseen; ${open}; ${perSecond} commits/s by unary spends, from recorded_at to arrival in another process`,
    ),
    row(
      'from an instant to its watcher',
      'p99',
      p99(timed.afterInstants, timed.unseenInstants),
      'ms',
      20,
      `${spread(timed.afterInstants)}; ${timed.unseenInstants} unseen; ${open}; grants taking effect ${bench.quick ? 'five' : 'ten'} a second`,
    ),
  ];
}
