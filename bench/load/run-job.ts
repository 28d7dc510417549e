import { createSamples, type Samples } from '../support/samples.ts';
import type { Caller } from './calls.ts';
import type { Job, Report } from './job.ts';
import { keepPace } from './pace.ts';

/** Makes a job's calls and counts those that were due after the warm-up. */
export async function runJob(job: Job, caller: Caller): Promise<Report> {
  const countFromMs = performance.now() + job.warmUpSeconds * 1000;
  const untilMs = countFromMs + job.seconds * 1000;
  const latencies: Record<string, Samples> = {};
  const refusals: Record<string, Samples> = {};
  const refused: Record<string, number> = {};
  let [begun, done, doneInAll] = [0, 0, 0];

  await keepPace(
    job.pace,
    caller,
    untilMs,
    (dueMs) => {
      if (dueMs >= countFromMs) begun += 1;
    },
    (call) => {
      const endedMs = performance.now();
      doneInAll += call.done;
      // A throughput counts what ended in the time, a latency what was due in it.
      if (endedMs >= countFromMs && endedMs <= untilMs) {
        done += call.done;
        for (const reason of call.refused) refused[reason] = (refused[reason] ?? 0) + 1;
      }
      if (call.startedMs < countFromMs) return;
      const [reason] = call.refused;
      const samples =
        reason === undefined
          ? (latencies[call.series] ??= createSamples())
          : (refusals[reason] ??= createSamples());
      samples.add(endedMs - call.startedMs);
    },
  );
  return {
    seconds: job.seconds,
    done,
    doneInAll,
    refused,
    begun,
    latencies: valuesOf(latencies),
    refusals: valuesOf(refusals),
  };
}

const valuesOf = (samples: Readonly<Record<string, Samples>>): Readonly<Record<string, Float64Array>> =>
  Object.fromEntries(Object.entries(samples).map(([name, of]) => [name, of.values()]));
