import type { Job } from '../load/job.ts';
import { customerId, seedCustomers } from '../support/customers.ts';
import type { Figure } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';
import { percentile } from '../support/samples.ts';

/** So few that the book that is locked is asked for all the time. */
const CUSTOMERS = 100;
const PER_SECOND = 200;

const [LOCKED, FREE] = ['one book locked', 'none locked'];

export const locked: Figure = {
  name: 'locked',
  goal: 'spends of other customers while somebody has one book locked: p99 ≤ 2 × of before',
  limit: 300,
  run: async (bench) => {
    const databaseUrl = await bench.database('empty');
    const { url } = await bench.service(databaseUrl);
    await seedCustomers(url, CUSTOMERS);
    const stranger = await bench.sql(databaseUrl);
    const load = bench.load();
    const job: Job = {
      calls: { kind: 'spend', servers: [url], customers: CUSTOMERS },
      connections: 8,
      deadlineMs: 30_000,
      pace: { kind: 'open', perSecond: PER_SECOND },
      warmUpSeconds: 1,
      seconds: bench.quick ? 3 : 8,
    };
    const told: Record<string, number> = {};
    const p99 = async () => {
      const { latencies, refused } = await load.run(job);
      for (const [reason, count] of Object.entries(refused)) told[reason] = (told[reason] ?? 0) + count;
      return percentile(Object.values(latencies)[0]!, 0.99);
    };
    const sides = [
      {
        name: LOCKED,
        round: async () => {
          await stranger.rows('begin');
          await stranger.rows('select from books where customer_id = $1 for update', [customerId(0)]);
          try {
            return await p99();
          } finally {
            await stranger.rows('rollback');
          }
        },
      },
      { name: FREE, round: p99 },
    ];
    // Not counted: the engine still compiles.
    await p99();
    const rounds = await interleave(sides, bench.quick ? 2 : 5);
    const refusals = Object.entries(told).map(([reason, count]) => `, ${count} ${reason}`);
    return [
      {
        measured: 'p99 of spends while somebody has the book of one customer of 100 locked, against none',
        ours: { what: 'one locked', value: typical(rounds, LOCKED), unit: 'ms' },
        other: { what: 'none', value: typical(rounds, FREE), unit: 'ms' },
        ratio: ratioOf(rounds, LOCKED, FREE),
        goal: { bound: 'at most', value: 2 },
        conditions: `${agreement(rounds, LOCKED, FREE)}; ${PER_SECOND} unary spends due each second, open loop${refusals.join('')}, for the locked book`,
      },
    ];
  },
};
