import type { FloodJob, FloodReport } from '../load/flood-job.ts';
import type { Job } from '../load/job.ts';
import type { Bench } from '../support/bench.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import type { LoadProcess } from '../support/load-process.ts';
import { percentile } from '../support/samples.ts';
import { residentMiB } from '../support/usage.ts';

const TIMES = 10;
const PROCESSES = 2;
const CONNECTIONS_OF_EACH = 4;
const PATIENCE_MS = 1_000;
/** How long after a flood memory is looked at once more. */
const AFTERWARDS_MS = 2_000;

const KINDS = [
  { what: 'unary spends', calls: { kind: 'spend', customers: CUSTOMERS }, items: 1, inFlight: 512 },
  {
    what: 'batches of 100 spends',
    calls: { kind: 'spendBatch', customers: CUSTOMERS, size: 100 },
    items: 100,
    inFlight: 16,
  },
  { what: 'balances', calls: { kind: 'balance', customers: CUSTOMERS }, items: 1, inFlight: 512 },
] as const;
type Kind = (typeof KINDS)[number];

export const overload: Figure = {
  name: 'overload',
  goal: 'ten times the capacity: most of the capacity is still done, refusals come fast, memory stays bounded and is given back, all is well within a second after',
  limit: 400,
  run: async (bench) => {
    const service = await bench.service(await bench.database('customers'));
    const floods = Array.from({ length: PROCESSES }, () => bench.load());
    const probe = bench.load();
    const rows: Row[] = [];
    for (const kind of KINDS) {
      const sound = await floodBy(floods, {
        server: service.url,
        calls: kind.calls,
        pace: { kind: 'closed', inFlight: kind.inFlight },
        seconds: bench.quick ? 3 : 4,
        deadlineMs: null,
      });
      const capacity = sound.done / sound.seconds;
      for (const deadlineMs of [PATIENCE_MS, null]) {
        const before = residentMiB(service.pid);
        const memory = sampleMemory(service.pid);
        const flooded = await floodBy(floods, {
          server: service.url,
          calls: kind.calls,
          pace: { kind: 'open', perSecond: capacity * TIMES },
          seconds: bench.quick ? 4 : 5,
          deadlineMs,
        });
        const recoveredInMs = await recovery(probe, service.url, performance.now());
        const peak = memory.stop();
        await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
        rows.push(
          ...rowsOf(bench, kind, deadlineMs, capacity, flooded, recoveredInMs, {
            before,
            peak,
            after: residentMiB(service.pid),
          }),
        );
      }
    }
    return rows;
  },
};

/** The same from several processes at once, each with its part of it. */
async function floodBy(
  floods: readonly LoadProcess[],
  { pace, ...job }: Omit<FloodJob, 'connections'>,
): Promise<FloodReport> {
  const share = (whole: number) => whole / floods.length;
  const own: FloodJob = {
    ...job,
    connections: CONNECTIONS_OF_EACH,
    pace:
      pace.kind === 'open'
        ? { kind: 'open', perSecond: share(pace.perSecond) }
        : { kind: 'closed', inFlight: share(pace.inFlight) },
  };
  const reports = await Promise.all(floods.map((flood) => flood.flood(own)));
  const sum = (of: (report: FloodReport) => number) => reports.reduce((all, report) => all + of(report), 0);
  const together = (of: (report: FloodReport) => Float64Array) =>
    Float64Array.from(reports.flatMap((report) => [...of(report)]));
  return {
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
    due: sum(({ due }) => due),
    sent: sum(({ sent }) => sent),
    done: sum(({ done }) => done),
    refused: sum(({ refused }) => refused),
    givenUp: sum(({ givenUp }) => givenUp),
    refusedAfterMs: together(({ refusedAfterMs }) => refusedAfterMs),
    doneAfterMs: together(({ doneAfterMs }) => doneAfterMs),
  };
}

/** Somebody who asks for one spend at a time, fifty times a second, for a moment. */
const probing = (url: string): Job => ({
  calls: { kind: 'spend', servers: [url], customers: CUSTOMERS },
  connections: 1,
  deadlineMs: 30_000,
  pace: { kind: 'open', perSecond: 50 },
  warmUpSeconds: 0,
  seconds: 0.2,
});

/** When a fifth of a second goes by in which every probe is answered well within 100 ms, counted from the flood's end. */
async function recovery(probe: LoadProcess, url: string, floodEndsMs: number): Promise<number> {
  for (;;) {
    const beganMs = performance.now();
    const { latencies, refusals } = await probe.run(probing(url));
    const slowest = Math.max(...(latencies['spend'] ?? [Infinity]));
    if (Object.keys(refusals).length === 0 && slowest <= 100) return Math.max(0, beganMs - floodEndsMs);
    if (performance.now() - floodEndsMs > 30_000) return Infinity;
  }
}

function sampleMemory(pid: number): { readonly stop: () => number } {
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, residentMiB(pid))), 50);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

type Memory = { readonly before: number; readonly peak: number; readonly after: number };

function rowsOf(
  bench: Bench,
  { what, items }: Kind,
  deadlineMs: number | null,
  capacity: number,
  flooded: FloodReport,
  recoveredInMs: number,
  { before, peak, after }: Memory,
): readonly Row[] {
  const each = (calls: number) => (calls * items) / flooded.seconds;
  const whom = deadlineMs === null ? 'without deadlines' : `with deadlines of ${deadlineMs} ms`;
  const p99 = (samples: Float64Array) => percentile(samples, 0.99);
  const conditions = `${flooded.due} calls due in ${flooded.seconds.toFixed(1)} s, ${(flooded.due / flooded.seconds / capacity).toFixed(1)} × the capacity, over ${PROCESSES * CONNECTIONS_OF_EACH} connections: ${flooded.sent} could be sent, ${flooded.done} answered, ${flooded.refused} refused, ${flooded.givenUp} given up; answers p50 ${percentile(flooded.doneAfterMs, 0.5).toFixed(0)}, p99 ${p99(flooded.doneAfterMs).toFixed(0)} ms`;
  const measured = (which: string) => `${which}: ${what} ${whom}`;
  bench.say(
    `${what} ${whom}: ${each(flooded.done).toFixed(0)}/s of ${(capacity * items).toFixed(0)}/s (${((flooded.done / flooded.seconds / capacity) * 100).toFixed(0)} %); refusals p99 ${p99(flooded.refusedAfterMs).toFixed(0)} ms; RSS ${before.toFixed(0)} → ${peak.toFixed(0)} → ${after.toFixed(0)} MiB; recovered in ${(recoveredInMs / 1000).toFixed(2)} s; ${conditions}`,
  );
  return [
    {
      measured: measured('work done under a flood'),
      ours: { what: 'done', value: each(flooded.done), unit: '/s' },
      other: { what: 'capacity', value: capacity * items, unit: '/s' },
      ratio: flooded.done / flooded.seconds / capacity,
      goal: { bound: 'at least', value: 0.8 },
      conditions,
    },
    {
      measured: measured('being refused under a flood'),
      other: null,
      ratio: null,
      ours: { what: 'p99, from sending to hearing it', value: p99(flooded.refusedAfterMs), unit: 'ms' },
      goal: { bound: 'at most', value: 100 },
      conditions: `${flooded.refused} refusals`,
    },
    {
      measured: measured('recovering from a flood'),
      other: null,
      ratio: null,
      ours: { what: 'until single spends take ≤ 100 ms again', value: recoveredInMs / 1000, unit: 's' },
      goal: { bound: 'at most', value: 1 },
      conditions: 'counted from when the callers of the flood left',
    },
    {
      measured: measured('memory after a flood'),
      ours: { what: `resident after (peak ${peak.toFixed(0)})`, value: after, unit: 'MiB' },
      other: { what: 'before', value: before, unit: 'MiB' },
      ratio: after / before,
      goal: { bound: 'at most', value: 1.3 },
      conditions: `${AFTERWARDS_MS / 1000} s after all was well again`,
    },
  ];
}
