import type { FloodJob, FloodReport } from '../load/flood-job.ts';
import type { Job } from '../load/job.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import type { LoadProcess } from '../support/load-process.ts';
import { percentile, spread } from '../support/samples.ts';
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
  goal: 'ten times the capacity, unary and batched, with deadlines and without: ≥ 80 % of it is done, refusals come within 100 ms, memory is given back, all is well within a second after',
  limit: 400,
  run: async (bench) => {
    const service = await bench.service(await bench.database('customers'));
    const floods = Array.from({ length: PROCESSES }, () => bench.load());
    const probe = bench.load();
    const rows: Row[] = [];
    for (const kind of KINDS) {
      const sound = {
        server: service.url,
        calls: kind.calls,
        deadlineMs: null,
        seconds: bench.quick ? 2 : 4,
      };
      const pace = { kind: 'closed', inFlight: kind.inFlight } as const;
      // Once to warm up.
      await floodBy(floods, { ...sound, pace });
      const { done, seconds } = await floodBy(floods, { ...sound, pace });
      const capacity = done / seconds;
      for (const deadlineMs of [PATIENCE_MS, null]) {
        const before = residentMiB(service.pid);
        const memory = sampleMemory(service.pid);
        const report = await floodBy(floods, {
          ...sound,
          pace: { kind: 'open', perSecond: (capacity * TIMES) / kind.items },
          deadlineMs,
        });
        const recoveredInMs = await recovery(probe, service.url, performance.now());
        const peak = memory.stop();
        await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
        const used = { before, peak, after: residentMiB(service.pid) };
        const own = rowsOf(kind, deadlineMs, { capacity, report, recoveredInMs, memory: used });
        for (const { measured, ours } of own) bench.say(`${measured}: ${ours.value.toFixed(2)} ${ours.unit}`);
        rows.push(...own);
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
    answered: sum(({ answered }) => answered),
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
    if (Object.keys(refusals).length === 0 && slowest <= 100)
      return Math.round(Math.max(0, beganMs - floodEndsMs));
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

/** What came of a flood. */
type Flooded = {
  readonly capacity: number;
  readonly report: FloodReport;
  readonly recoveredInMs: number;
  /** Resident, in MiB: before the flood, at most, and when all has been well again for a while. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
};

function rowsOf({ what, items }: Kind, deadlineMs: number | null, flooded: Flooded): readonly Row[] {
  const { capacity, report, recoveredInMs, memory } = flooded;
  const measured = (which: string) =>
    `${which}: ${what} ${deadlineMs === null ? 'without deadlines' : `with deadlines of ${deadlineMs} ms`}`;
  const perSecond = report.done / report.seconds;
  const times = (report.due * items) / report.seconds / capacity;
  const alone = { other: null, ratio: null };
  const refused = percentile(report.refusedAfterMs, 0.99);
  return [
    {
      measured: measured('work done under a flood'),
      ours: { what: 'done', value: perSecond, unit: '/s' },
      other: { what: 'capacity', value: capacity, unit: '/s' },
      ratio: perSecond / capacity,
      goal: { bound: 'at least', value: 0.8 },
      conditions: `${report.due} calls due in ${report.seconds.toFixed(1)} s, ${times.toFixed(1)} × the capacity, over ${PROCESSES * CONNECTIONS_OF_EACH} connections: ${report.sent} could be sent, ${report.answered} were answered (${spread(report.doneAfterMs)}), ${report.refused} refused, ${report.givenUp} given up`,
    },
    // Where everybody may wait, nobody is refused.
    ...(report.refused === 0
      ? []
      : [
          {
            ...alone,
            measured: measured('being refused under a flood'),
            ours: { what: 'p99', value: refused, unit: 'ms' },
            goal: { bound: 'at most', value: 100 } as const,
            conditions: `of ${report.refused} calls, from when each was sent until its caller heard of it`,
          },
        ]),
    {
      ...alone,
      measured: measured('recovering from a flood'),
      ours: { what: 'until single spends take ≤ 100 ms again', value: recoveredInMs / 1000, unit: 's' },
      goal: { bound: 'at most', value: 1 },
      conditions: 'counted from when the callers of the flood left',
    },
    {
      measured: measured('memory after a flood'),
      ours: { what: 'resident after', value: memory.after, unit: 'MiB' },
      other: { what: 'before', value: memory.before, unit: 'MiB' },
      ratio: memory.after / memory.before,
      goal: { bound: 'at most', value: 1.3 },
      conditions: `at most ${memory.peak.toFixed(0)} MiB; looked at ${AFTERWARDS_MS / 1000} s after all was well again`,
    },
  ];
}
