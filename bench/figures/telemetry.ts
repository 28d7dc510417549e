import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bench } from '../support/bench.ts';
import type { Figure, Row } from '../support/figure.ts';
import { NAMED_CALLS } from '../support/named-calls.ts';
import type { ServerProcess } from '../support/process.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';
import { cpuSeconds, treeCpuSeconds } from '../support/usage.ts';

const IN_FLIGHT = 256;
const CONNECTIONS = 8;
const MICROS = 1_000_000;

export const telemetry: Figure = {
  name: 'telemetry',
  goal: 'metrics and traces: ≤ 3 % of a spend',
  limit: 600,
  run: async (bench) => {
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: await collector(bench) };
    const counted = { CREDIT_LEDGER_METRICS_PORT: '0' };
    const environments = {
      neither: { CREDIT_LEDGER_METRICS_PORT: 'off' },
      metrics: counted,
      both: { ...counted, ...traced },
      everything: { ...counted, ...traced, OTEL_TRACES_SAMPLER: 'always_on' },
    };
    const load = bench.load();
    const sides = [];
    for (const [name, env] of Object.entries(environments)) {
      const server = await bench.service(await bench.database('customers'), { env });
      const spend = (seconds: number) => costOfSpends(bench, server, load, seconds);
      await spend(bench.quick ? 1 : 10);
      sides.push({ name, round: () => spend(bench.quick ? 2 : 5) });
    }
    const rounds = await interleave(sides, bench.quick ? 2 : 9);
    const row = (side: keyof typeof environments, what: string, goal: Row['goal']): Row => ({
      measured: `CPU a spend: ${what}`,
      ours: { what, value: typical(rounds, side), unit: 'µs' },
      other: { what: 'neither metrics nor traces', value: typical(rounds, 'neither'), unit: 'µs' },
      ratio: ratioOf(rounds, side, 'neither'),
      goal,
      conditions: `${agreement(rounds, side, 'neither')}; service and Postgres; unary, ${IN_FLIGHT} in flight; metrics read once a round`,
    });
    return [
      row('metrics', 'metrics', { bound: 'at most', value: 1.03 }),
      row('both', 'metrics, and traces of a tenth of the calls', { bound: 'at most', value: 1.03 }),
      row('everything', 'metrics, and traces of all calls', null),
    ];
  },
};

/** A place that takes spans and does nothing with them, in this process: what it takes is not counted. */
async function collector(bench: Bench): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a spend costs service and Postgres. The metrics are read meanwhile, more often than Prometheus does. */
async function costOfSpends(
  { postgresPid }: Bench,
  { url, pid, logFile }: ServerProcess,
  load: ReturnType<Bench['load']>,
  seconds: number,
): Promise<number> {
  const used = () => cpuSeconds(pid) + treeCpuSeconds(postgresPid);
  const metrics = /"metrics":"(http:[^"]+)"/.exec(readFileSync(logFile, 'utf8'))?.[1];
  const before = used();
  if (metrics !== undefined) await (await fetch(metrics)).text();
  const { doneInAll, refused } = await load.run({
    calls: NAMED_CALLS.spend(url),
    connections: CONNECTIONS,
    deadlineMs: 30_000,
    pace: { kind: 'closed', inFlight: IN_FLIGHT },
    warmUpSeconds: 0,
    seconds,
  });
  if (Object.keys(refused).length > 0) throw new Error(`refused: ${JSON.stringify(refused)}`);
  return ((used() - before) / doneInAll) * MICROS;
}
