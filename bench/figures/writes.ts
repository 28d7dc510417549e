import type { Bench } from '../support/bench.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import type { Calls, Job } from '../load/job.ts';
import type { LoadProcess } from '../support/load-process.ts';
import { agreement, interleave, ratioOf, typical, type Contender } from '../support/rounds.ts';
import { rowsPerSpend } from '../support/rows-per-spend.ts';

/** Spends in one call, and calls under way: together 4,000 waiting spends, which fill the transactions of every lane. */
const CALL = 250;
const CALLS = 16;
/** One customer is one lane. */
const HOT_CALLS = 4;
/** The service puts so many into a transaction, and opens so many connections. */
const BATCH = 128;
const CONNECTIONS = 10;

export const writes: Figure = {
  name: 'writes',
  goal: '≥ 60 % of the bare batched SQL, ≥ 8 × one transaction per request; one hot customer ≥ 50 % of random ones',
  limit: 400,
  run: async (bench) => {
    const ours = await bench.database('customers');
    const bare = await bench.database('customers');
    const single = await bench.database('customers');
    const { url } = await bench.service(ours);
    const load = bench.load();
    const batches = { kind: 'spendBatch', servers: [url], size: CALL } as const;
    const random: Calls = { ...batches, customers: CUSTOMERS };
    const side = contender(bench, load);
    const rounds = await interleave(
      [
        side('random', random, CALLS, 4),
        side('hot', { ...batches, customers: 1 }, HOT_CALLS, 4),
        side(
          'bare',
          { kind: 'bareBatch', databaseUrl: bare, customers: CUSTOMERS, size: BATCH },
          8,
          CONNECTIONS,
        ),
        side(
          'single',
          { kind: 'oneTransaction', databaseUrl: single, customers: CUSTOMERS },
          64,
          CONNECTIONS,
        ),
      ],
      bench.quick ? 2 : 5,
    );
    await sameRows(bench, { ours, bare, single });

    const ourSide = {
      what: 'BatchConsumeCredits, random customers',
      value: typical(rounds, 'random'),
      unit: 'spends/s',
    };
    const against = (measured: string, name: string, what: string, least: number, more: string): Row => ({
      measured,
      ours: ourSide,
      other: { what, value: typical(rounds, name), unit: 'spends/s' },
      ratio: ratioOf(rounds, 'random', name),
      goal: { bound: 'at least', value: least },
      conditions: `${agreement(rounds, 'random', name)}; ${CALLS} calls of ${CALL} under way; ${more}`,
    });
    return [
      against(
        'spends against the bare batched SQL',
        'bare',
        `the same rows, ${BATCH} spends a transaction`,
        0.6,
        'SQL side: no request, lock, read or decision, 8 transactions under way',
      ),
      against(
        'spends against one transaction per request',
        'single',
        'the same rows, one Knex transaction each',
        8,
        'the other side is called without any RPC, 64 under way',
      ),
      {
        measured: 'one hot customer against random ones',
        ours: { what: 'BatchConsumeCredits, one customer', value: typical(rounds, 'hot'), unit: 'spends/s' },
        other: ourSide,
        ratio: ratioOf(rounds, 'hot', 'random'),
        goal: { bound: 'at least', value: 0.5 },
        conditions: `${agreement(rounds, 'hot', 'random')}; ${HOT_CALLS} calls of ${CALL} under way for the one`,
      },
    ];
  },
};

const contender =
  (bench: Bench, load: LoadProcess) =>
  (name: string, calls: Calls, inFlight: number, connections: number): Contender => ({
    name,
    round: async () => {
      const job: Job = {
        calls,
        connections,
        deadlineMs: 60_000,
        pace: { kind: 'closed', inFlight },
        warmUpSeconds: bench.quick ? 0.5 : 1.5,
        seconds: bench.quick ? 2 : 4,
      };
      const { done, refused, seconds } = await load.run(job);
      if (Object.keys(refused).length > 0) throw new Error(`${name} was refused: ${JSON.stringify(refused)}`);
      return done / seconds;
    },
  });

/** A comparison is one only if all sides left as many rows a spend, table by table. */
async function sameRows(bench: Bench, sides: Readonly<Record<string, string>>): Promise<void> {
  const counted = await Promise.all(
    Object.entries(sides).map(
      async ([name, url]) => [name, await rowsPerSpend(await bench.sql(url))] as const,
    ),
  );
  const [[, first] = ['', {}], ...others] = counted;
  for (const [name, rows] of others) {
    if (JSON.stringify(rows) === JSON.stringify(first)) continue;
    throw new Error(`${name} writes other rows: ${JSON.stringify(rows)} instead of ${JSON.stringify(first)}`);
  }
}
