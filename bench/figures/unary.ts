import { treeCpuSeconds, cpuSeconds } from '../support/usage.ts';
import type { Job } from '../load/job.ts';
import type { Bench } from '../support/bench.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import type { ServerProcess } from '../support/process.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';
import { median } from '../support/samples.ts';

const IN_FLIGHT = 256;
const CONNECTIONS = 8;

export const unary: Figure = {
  name: 'unary',
  goal: 'unary ConsumeCredits, 256 in flight: ≥ 8 × connect-node with one Knex transaction per request',
  limit: 400,
  run: async (bench) => {
    const ours = await bench.service(await bench.database('customers'));
    const knex = await bench.server('bench/baselines/knex-server.ts', {
      DATABASE_URL: await bench.database('customers'),
    });
    const empty = await bench.server('bench/baselines/empty-server.ts');
    const load = bench.load();
    const costs: Record<string, number[]> = { ours: [], knex: [], empty: [] };
    const side = (name: string, server: ServerProcess) => ({
      name,
      round: async () => {
        const before = cpuOf(bench, server);
        const { done, doneInAll, refused, seconds } = await load.run(spendsOver(bench, server));
        if (Object.keys(refused).length > 0) throw new Error(`${name} refused: ${JSON.stringify(refused)}`);
        costs[name]!.push(((cpuOf(bench, server) - before) / doneInAll) * 1e6);
        return done / seconds;
      },
    });
    const rounds = await interleave(
      [side('ours', ours), side('knex', knex), side('empty', empty)],
      bench.quick ? 2 : 5,
    );
    const against = (measured: string, other: string, what: string, goal: Row['goal']): Row => ({
      measured,
      ours: { what: 'ConsumeCredits', value: typical(rounds, 'ours'), unit: 'calls/s' },
      other: { what, value: typical(rounds, other), unit: 'calls/s' },
      ratio: ratioOf(rounds, 'ours', other),
      goal,
      conditions: `${agreement(rounds, 'ours', other)}; ${IN_FLIGHT} in flight over ${CONNECTIONS} connections; CPU of server and Postgres a call: ${median(costs['ours']!).toFixed(0)} µs and ${median(costs[other]!).toFixed(0)} µs`,
    });
    return [
      against('unary spends against the usual server', 'knex', 'connect-node, one Knex transaction each', {
        ...{ bound: 'at least', value: 8 },
      }),
      against('unary spends against an empty handler', 'empty', 'grpc-js alone, no database', null),
    ];
  },
};

const spendsOver = (bench: Bench, server: ServerProcess): Job => ({
  calls: { kind: 'spend', servers: [server.url], customers: CUSTOMERS },
  ...{ connections: CONNECTIONS, deadlineMs: 30_000, pace: { kind: 'closed', inFlight: IN_FLIGHT } },
  ...{ warmUpSeconds: bench.quick ? 0.5 : 1, seconds: bench.quick ? 2 : 4 },
});

/** Seconds of CPU used so far by a server and the Postgres under it. */
const cpuOf = (bench: Bench, server: ServerProcess): number =>
  cpuSeconds(server.pid) + treeCpuSeconds(bench.postgresPid);
