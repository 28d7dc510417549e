import type { Job } from '../load/job.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';

const IN_FLIGHT = 256;

export const instances: Figure = {
  name: 'instances',
  goal: 'two instances on one database do more than one',
  limit: 400,
  run: async (bench) => {
    const databaseUrl = await bench.database('customers');
    const servers = [(await bench.service(databaseUrl)).url, (await bench.service(databaseUrl)).url];
    const load = bench.load();
    const side = (name: string, used: readonly string[]) => ({
      name,
      round: async () => {
        const job: Job = {
          calls: { kind: 'spend', servers: used, customers: CUSTOMERS },
          ...{
            connections: 8 / used.length,
            deadlineMs: 30_000,
            pace: { kind: 'closed', inFlight: IN_FLIGHT },
          },
          ...{ warmUpSeconds: bench.quick ? 0.5 : 1, seconds: bench.quick ? 2 : 4 },
        };
        const { done, refused, seconds } = await load.run(job);
        if (Object.keys(refused).length > 0) throw new Error(`${name} refused: ${JSON.stringify(refused)}`);
        return done / seconds;
      },
    });
    const rounds = await interleave(
      [side('two', servers), side('one', servers.slice(0, 1))],
      bench.quick ? 2 : 5,
    );
    return [
      {
        measured: 'unary spends by two instances against one',
        ours: { what: 'two instances', value: typical(rounds, 'two'), unit: 'calls/s' },
        other: { what: 'one of them', value: typical(rounds, 'one'), unit: 'calls/s' },
        ratio: ratioOf(rounds, 'two', 'one'),
        goal: { bound: 'at least', value: 1 },
        conditions: `${agreement(rounds, 'two', 'one')}; ${IN_FLIGHT} in flight in both cases, same customers; instances, Postgres and load share the CPUs, so on few of them there is little to gain`,
      },
    ];
  },
};
