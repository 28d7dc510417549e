import type { Calls, Job } from '../load/job.ts';
import type { Bench } from '../support/bench.ts';
import { CUSTOMERS, PREFIX } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { percentile, spread } from '../support/samples.ts';

export const latency: Figure = {
  name: 'latency',
  goal: 'open loop: ConsumeCredits at 1,000/s p99 ≤ 50 ms, GetBalance at 2,000/s p99 ≤ 30 ms',
  limit: 400,
  run: async (bench) => {
    const { url } = await bench.service(await bench.database('customers'));
    const load = bench.load();
    const everybody = {
      prefix: PREFIX,
      count: CUSTOMERS,
      between: null,
      about: 'balance',
      parts: [],
    } as const;
    const at = async (measured: string, calls: Calls, perSecond: number, most: number): Promise<Row> => {
      const report = await load.run(openLoop(bench, calls, perSecond));
      const samples = Object.values(report.latencies)[0] ?? new Float64Array();
      const refused = Object.entries(report.refused).map(([reason, count]) => `, ${count} ${reason}`);
      return {
        measured,
        other: null,
        ratio: null,
        goal: { bound: 'at most', value: most },
        // A call that was refused was not answered in time.
        ours: { what: 'p99', value: refused.length > 0 ? Infinity : percentile(samples, 0.99), unit: 'ms' },
        conditions: `${spread(samples)}${refused.join('')}; ${perSecond} calls due each second for ${report.seconds} s, ${report.done} answered in it; latency counts from the instant a call was due; after ${WARM_UP_SECONDS} s of the same`,
      };
    };
    return [
      await at('unary spends, open loop', { kind: 'spend', servers: [url], customers: CUSTOMERS }, 1000, 50),
      await at(
        'balances, open loop',
        { kind: 'balance', servers: [url], asked: [{ series: 'balance', ...everybody }] },
        2000,
        30,
      ),
    ];
  },
};

const WARM_UP_SECONDS = 30;

const openLoop = (bench: Bench, calls: Calls, perSecond: number): Job => ({
  calls,
  connections: 8,
  deadlineMs: 30_000,
  pace: { kind: 'open', perSecond },
  // A service runs for weeks. In its first half minute the engine still compiles, and that is what would be measured.
  warmUpSeconds: bench.quick ? 1 : WARM_UP_SECONDS,
  seconds: bench.quick ? 4 : 20,
});
