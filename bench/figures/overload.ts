import type { Job, Report } from '../load/job.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import type { LoadProcess } from '../support/load-process.ts';
import { percentile } from '../support/samples.ts';
import { residentMiB } from '../support/usage.ts';

/** Spends in one call of the flood: cheap to send, so that a flood of ten times the capacity can be sent at all. */
const CALL = 250;
const TIMES = 10;
/** Callers of the flood wait no longer; the others twice as long. */
const PATIENCE_MS = 1_000;

export const overload: Figure = {
  name: 'overload',
  goal: 'ten times the capacity for a minute: memory stays bounded, OVERLOADED comes fast, all is well within a second after',
  limit: 400,
  run: async (bench) => {
    const { url, pid } = await bench.service(await bench.database('customers'));
    const [flood, probe] = [bench.load(), bench.load()];
    const batches = { kind: 'spendBatch', servers: [url], customers: CUSTOMERS, size: CALL } as const;
    const sound = await flood.run({
      calls: batches,
      connections: 4,
      deadlineMs: 60_000,
      pace: { kind: 'closed', inFlight: 16 },
      warmUpSeconds: 1,
      seconds: bench.quick ? 3 : 6,
    });
    const capacity = sound.done / sound.seconds;
    const seconds = bench.quick ? 6 : 60;
    const pace = { kind: 'open', perSecond: (capacity * TIMES) / CALL } as const;

    const memory = sampleMemory(pid);
    const endsMs = performance.now() + seconds * 1000;
    const flooded = flood.run({
      calls: batches,
      connections: 4,
      deadlineMs: PATIENCE_MS,
      pace,
      warmUpSeconds: 0,
      seconds,
    });
    const during = await probe.run(probing(url, seconds));
    const recoveredInMs = await recovery(probe, url, endsMs);
    const after = memory.stop();
    return rowsOf(capacity, await flooded, during, recoveredInMs, after);
  },
};

/** Somebody who asks for one spend at a time, fifty times a second. */
const probing = (url: string, seconds: number): Job => ({
  calls: { kind: 'spend', servers: [url], customers: CUSTOMERS },
  connections: 1,
  deadlineMs: 2 * PATIENCE_MS,
  pace: { kind: 'open', perSecond: 50 },
  warmUpSeconds: 0,
  seconds,
});

/** When a fifth of a second goes by in which every probe is answered well within 100 ms, counted from the flood's end. */
async function recovery(probe: LoadProcess, url: string, floodEndsMs: number): Promise<number> {
  for (;;) {
    const beganMs = performance.now();
    const { latencies, refusals } = await probe.run(probing(url, 0.2));
    const slowest = Math.max(...(latencies['spend'] ?? [Infinity]));
    if (Object.keys(refusals).length === 0 && slowest <= 100) return Math.max(0, beganMs - floodEndsMs);
    if (performance.now() - floodEndsMs > 30_000) return Infinity;
  }
}

function sampleMemory(pid: number): { readonly stop: () => readonly number[] } {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMiB(pid)), 200);
  return {
    stop: () => {
      clearInterval(timer);
      return samples;
    },
  };
}

function rowsOf(
  capacity: number,
  flooded: Report,
  during: Report,
  recoveredInMs: number,
  memory: readonly number[],
): readonly Row[] {
  const begun = (flooded.begun * CALL) / flooded.seconds;
  const offered = `${begun.toFixed(0)} spends/s offered for ${flooded.seconds} s, ${(begun / capacity).toFixed(1)} × the capacity of ${capacity.toFixed(0)}/s, in calls of ${CALL} that wait ${PATIENCE_MS} ms`;
  const told = flooded.refusals['RESOURCE_EXHAUSTED'] ?? new Float64Array();
  const became = Object.entries({ answered: during.done, ...during.refused }).map(
    ([what, n]) => `${n} ${what}`,
  );
  const split = Math.floor((memory.length * 2) / 3);
  const peak = (samples: readonly number[]) => Math.max(...samples);
  return [
    {
      measured: 'being refused under a flood',
      other: null,
      ratio: null,
      ours: { what: 'OVERLOADED, p99', value: percentile(told, 0.99), unit: 'ms' },
      goal: { bound: 'at most', value: 100 },
      conditions: `of the calls of the flood that were refused, from when each was due; ${offered}`,
    },
    {
      measured: 'recovering from a flood',
      other: null,
      ratio: null,
      ours: { what: 'until single spends take ≤ 100 ms again', value: recoveredInMs / 1000, unit: 's' },
      goal: { bound: 'at most', value: 1 },
      conditions: `counted from the end of the flood; ${offered}`,
    },
    {
      measured: 'memory under a flood',
      ours: { what: 'peak of its last third', value: peak(memory.slice(split)), unit: 'MiB' },
      other: { what: 'peak before', value: peak(memory.slice(0, split)), unit: 'MiB' },
      ratio: peak(memory.slice(split)) / peak(memory.slice(0, split)),
      goal: { bound: 'at most', value: 1.2 },
      conditions: `resident memory of the service; ${offered}`,
    },
    {
      measured: 'work done under a flood',
      ours: { what: 'spends that succeeded', value: flooded.done / flooded.seconds, unit: 'spends/s' },
      other: { what: 'capacity', value: capacity, unit: 'spends/s' },
      ratio: flooded.done / flooded.seconds / capacity,
      goal: null,
      conditions: `of 50 single spends a second beside the flood: ${became.join(', ')}; ${offered}`,
    },
  ];
}
