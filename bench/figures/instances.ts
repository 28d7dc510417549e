import type { Calls, Job } from '../load/job.ts';
import { CUSTOMERS, PREFIX } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';

const IN_FLIGHT = 256;

/** What is asked of one instance, and of two in turn. */
const kinds: Readonly<Record<'spends' | 'balances', (servers: readonly string[]) => Calls>> = {
  spends: (servers) => ({ kind: 'spend', servers, customers: CUSTOMERS }),
  balances: (servers) => ({
    ...{ kind: 'balance', servers },
    asked: [
      { series: 'balance', prefix: PREFIX, count: CUSTOMERS, between: null, about: 'balance', parts: [] },
    ],
  }),
};

export const instances: Figure = {
  name: 'instances',
  goal: 'two instances on one database do more than one',
  limit: 400,
  run: async (bench) => {
    const databaseUrl = await bench.database('customers');
    const servers = [(await bench.service(databaseUrl)).url, (await bench.service(databaseUrl)).url];
    const load = bench.load();
    const side = (kind: keyof typeof kinds, name: string, used: readonly string[]) => ({
      name: `${kind} by ${name}`,
      round: async () => {
        const job: Job = {
          calls: kinds[kind](used),
          ...{ connections: 8 / used.length, deadlineMs: 30_000 },
          pace: { kind: 'closed', inFlight: IN_FLIGHT },
          ...{ warmUpSeconds: bench.quick ? 0.5 : 1, seconds: bench.quick ? 2 : 4 },
        };
        const { done, refused, seconds } = await load.run(job);
        if (Object.keys(refused).length > 0) throw new Error(`${name} refused: ${JSON.stringify(refused)}`);
        return done / seconds;
      },
    });
    const sides = (['spends', 'balances'] as const).flatMap((kind) => [
      side(kind, 'two', servers),
      side(kind, 'one', servers.slice(0, 1)),
    ]);
    const rounds = await interleave(sides, bench.quick ? 2 : 5);
    return (['spends', 'balances'] as const).map((kind): Row => {
      const [two, one] = [`${kind} by two`, `${kind} by one`];
      return {
        measured: `${kind} by two instances against one`,
        ours: { what: 'two instances', value: typical(rounds, two), unit: 'calls/s' },
        other: { what: 'one of them', value: typical(rounds, one), unit: 'calls/s' },
        ratio: ratioOf(rounds, two, one),
        goal: { bound: 'at least', value: 1 },
        conditions: `${agreement(rounds, two, one)}; ${IN_FLIGHT} in flight in both cases, same customers; instances, Postgres and load share the CPUs, so on few of them there is little to gain`,
      };
    });
  },
};
