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
    const grpcJs = await bench.server('bench/baselines/empty-grpc-js-server.ts');
    const emptyConnect = await bench.server('bench/baselines/empty-connect-server.ts');
    const load = bench.load();
    const costs: Record<string, number[]> = { ours: [], knex: [], empty: [], grpcJs: [], emptyConnect: [] };
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
      [
        side('ours', ours),
        side('knex', knex),
        side('empty', empty),
        side('grpcJs', grpcJs),
        side('emptyConnect', emptyConnect),
      ],
      bench.quick ? 2 : 5,
    );
    const row = (measured: string, [one, what]: Side, [other, against]: Side, goal: Row['goal']): Row => ({
      measured,
      ours: { what, value: typical(rounds, one), unit: 'calls/s' },
      other: { what: against, value: typical(rounds, other), unit: 'calls/s' },
      ratio: ratioOf(rounds, one, other),
      goal,
      conditions: `${agreement(rounds, one, other)}; ${IN_FLIGHT} in flight over ${CONNECTIONS} connections; CPU of server and Postgres a call: ${median(costs[one]!).toFixed(0)} µs and ${median(costs[other]!).toFixed(0)} µs`,
    });
    const service: Side = ['ours', 'ConsumeCredits'];
    const nothing: Side = ['empty', 'an empty handler, no database'];
    return [
      row(
        'unary spends against the usual server',
        service,
        ['knex', 'connect-node, one Knex transaction each'],
        { bound: 'at least', value: 8 },
      ),
      row('unary spends against an empty handler', service, nothing, null),
      row('an empty handler against one over grpc-js', nothing, ['grpcJs', 'grpc-js alone'], null),
      row(
        'an empty handler against one over connect-node',
        nothing,
        ['emptyConnect', 'connect-node alone'],
        null,
      ),
    ];
  },
};

/** A side of the comparison, and what the table calls it. */
type Side = readonly [name: string, what: string];

const spendsOver = (bench: Bench, server: ServerProcess): Job => ({
  calls: { kind: 'spend', servers: [server.url], customers: CUSTOMERS },
  connections: CONNECTIONS,
  deadlineMs: 30_000,
  pace: { kind: 'closed', inFlight: IN_FLIGHT },
  warmUpSeconds: bench.quick ? 0.5 : 1,
  seconds: bench.quick ? 2 : 4,
});

/** Seconds of CPU used so far by a server and the Postgres under it. */
const cpuOf = (bench: Bench, server: ServerProcess): number =>
  cpuSeconds(server.pid) + treeCpuSeconds(bench.postgresPid);
