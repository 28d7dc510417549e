import type { ChildProcess } from 'node:child_process';
import type { FloodJob, FloodReport } from '../load/flood-job.ts';
import type { Job, Report } from '../load/job.ts';
import type { Order } from '../load/main.ts';
import type { WatchJob, WatchReport } from '../load/watch-job.ts';

/** A process that makes load, as its parent sees it. One job at a time. */
export type LoadProcess = {
  run(job: Job): Promise<Report>;
  watch(watchJob: WatchJob): Promise<WatchReport>;
  flood(floodJob: FloodJob): Promise<FloodReport>;
};

type Answer = { readonly report: unknown } | { readonly error: string };

export function loadProcess(child: ChildProcess): LoadProcess {
  const order = <R>(what: Order): Promise<R> =>
    new Promise((resolve, reject) => {
      const died = (code: number | null) => reject(new Error(`the load process ended with ${code}`));
      child.once('exit', died);
      child.once('message', (answer: Answer) => {
        child.off('exit', died);
        if ('report' in answer) resolve(answer.report as R);
        else reject(new Error(`the load process failed: ${answer.error}`));
      });
      child.send(what);
    });
  return {
    run: (job) => order({ job }),
    watch: (watchJob) => order({ watchJob }),
    flood: (floodJob) => order({ floodJob }),
  };
}
