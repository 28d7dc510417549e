import type { Calls, Job } from '../load/job.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';

/** What is asked of one instance, and of two in turn, and how many calls are in flight in both cases. */
const kinds: readonly {
  readonly what: string;
  readonly inFlight: number;
  readonly calls: (servers: readonly string[]) => Calls;
}[] = [
  {
    what: 'unary spends',
    inFlight: 256,
    calls: (servers) => ({ kind: 'spend', servers, customers: CUSTOMERS }),
  },
  {
    what: 'balances, 1,000 in a call',
    inFlight: 8,
    calls: (servers) => ({ kind: 'balanceBatch', servers, customers: CUSTOMERS, size: 1_000 }),
  },
];

export const instances: Figure = {
  name: 'instances',
  goal: 'two instances on one database do more than one',
  limit: 400,
  run: async (bench) => {
    const databaseUrl = await bench.database('customers');
    const servers = [(await bench.service(databaseUrl)).url, (await bench.service(databaseUrl)).url];
    const load = bench.load();
    const side = ({ what, inFlight, calls }: (typeof kinds)[number], used: readonly string[]) => ({
      name: nameOf(what, used),
      round: async () => {
        const job: Job = {
          calls: calls(used),
          connections: 8 / used.length,
          deadlineMs: 30_000,
          pace: { kind: 'closed', inFlight },
          warmUpSeconds: bench.quick ? 0.5 : 1,
          seconds: bench.quick ? 2 : 4,
        };
        const { done, refused, seconds } = await load.run(job);
        if (Object.keys(refused).length > 0) throw new Error(`${what} refused: ${JSON.stringify(refused)}`);
        return done / seconds;
      },
    });
    const one = servers.slice(0, 1);
    const compare = async (kind: (typeof kinds)[number]): Promise<Row> => {
      const sides = [side(kind, servers), side(kind, one)] as const;
      // Not counted: until then the second instance keeps no books, and what is not compiled yet would be measured.
      await sides[0].round();
      const rounds = await interleave(sides, bench.quick ? 2 : 5);
      const [ours, other] = sides;
      return {
        measured: `${kind.what}: two instances against one`,
        ours: { what: 'two instances', value: typical(rounds, ours.name), unit: 'a second' },
        other: { what: 'one of them', value: typical(rounds, other.name), unit: 'a second' },
        ratio: ratioOf(rounds, ours.name, other.name),
        goal: { bound: 'at least', value: 1 },
        conditions: `${agreement(rounds, ours.name, other.name)}; ${kind.inFlight} calls in flight in both cases, same customers; instances, Postgres and load share the CPUs`,
      };
    };
    const rows: Row[] = [];
    for (const kind of kinds) rows.push(await compare(kind));
    return rows;
  },
};

const nameOf = (what: string, used: readonly string[]): string => `${what} by ${used.length}`;
