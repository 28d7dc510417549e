import { createCaller, type Caller } from './calls.ts';
import type { FloodJob } from './flood-job.ts';
import type { Job } from './job.ts';
import { runFlood } from './run-flood.ts';
import { runJob } from './run-job.ts';
import { runWatchJob } from './run-watch-job.ts';
import type { WatchJob } from './watch-job.ts';

/**
 * The load process: jobs come in by IPC, one after the other, and reports go out. A process of its own, so that what
 * it costs to make calls is not booked to the service, and its pauses are not the service's.
 */

export type Order = { readonly job: Job } | { readonly watchJob: WatchJob } | { readonly floodJob: FloodJob };

const callers = new Map<string, Promise<Caller>>();

/** Connections outlive a job: rounds that take turns begin with warm ones. */
function callerOf({ calls, connections, deadlineMs }: Job): Promise<Caller> {
  const name = JSON.stringify([calls, connections, deadlineMs]);
  const caller = callers.get(name) ?? createCaller(calls, connections, deadlineMs);
  callers.set(name, caller);
  return caller;
}

async function perform(order: Order): Promise<unknown> {
  if ('job' in order) return runJob(order.job, await callerOf(order.job));
  return 'floodJob' in order ? runFlood(order.floodJob) : runWatchJob(order.watchJob);
}

process.on('message', (order: Order) => {
  perform(order).then(
    (report) => process.send!({ report }),
    (error: unknown) => process.send!({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
