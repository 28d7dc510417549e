import { createSamples, type Samples } from '../support/samples.ts';
import type { Caller } from './calls.ts';
import type { Job, Report } from './job.ts';
import { keepPace } from './pace.ts';

/** Makes a job's calls and counts those that were due after the warm-up. */
export async function runJob(job: Job, caller: Caller): Promise<Report> {
  const countFromMs = performance.now() + job.warmUpSeconds * 1000;
  const untilMs = countFromMs + job.seconds * 1000;
  const latencies: Record<string, Samples> = {};
  const refusals = createSamples();
  const refused: Record<string, number> = {};
  let [begun, done] = [0, 0];
  const cpuAtCount = delayed(job.warmUpSeconds * 1000, () => process.cpuUsage());

  await keepPace(
    job.pace,
    caller,
    untilMs,
    (dueMs) => {
      if (dueMs >= countFromMs) begun += 1;
    },
    (call) => {
      const endedMs = performance.now();
      // A throughput counts what ended in the time, a latency what was due in it.
      if (endedMs >= countFromMs && endedMs <= untilMs) {
        done += call.done;
        for (const reason of call.refused) refused[reason] = (refused[reason] ?? 0) + 1;
      }
      if (call.startedMs < countFromMs) return;
      const samples = call.refused.length > 0 ? refusals : (latencies[call.series] ??= createSamples());
      samples.add(endedMs - call.startedMs);
    },
  );
  const { user, system } = process.cpuUsage(await cpuAtCount);
  return {
    ...{ seconds: job.seconds, done, refused, begun },
    latencies: Object.fromEntries(Object.entries(latencies).map(([name, of]) => [name, of.values()])),
    refusals: refusals.values(),
    cpuSeconds: (user + system) / 1e6,
  };
}

const delayed = <T>(ms: number, read: () => T): Promise<T> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(read()), ms);
  });
