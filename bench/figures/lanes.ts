import type { Job } from '../load/job.ts';
import { CUSTOMERS } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical } from '../support/rounds.ts';

/** What `CREDIT_LEDGER_LANES` and `CREDIT_LEDGER_BATCH_SIZE` are worth, around their defaults. */
const DEFAULTS = { lanes: 1, batch: 128 };
const OTHERS = [
  { lanes: 2, batch: 128 },
  { lanes: 4, batch: 128 },
  { lanes: 8, batch: 128 },
  { lanes: 1, batch: 16 },
  { lanes: 1, batch: 512 },
];
type Setting = typeof DEFAULTS;
const nameOf = ({ lanes, batch }: Setting): string => `${lanes} lanes, ${batch} in a batch`;

const IN_FLIGHT = 256;

export const lanes: Figure = {
  name: 'lanes',
  goal: 'what number of lanes and size of batch suits the machine; the defaults are those of ours',
  limit: 400,
  run: async (bench) => {
    const databaseUrl = await bench.database('customers');
    const load = bench.load();
    const side = async (setting: Setting) => {
      const env = {
        CREDIT_LEDGER_LANES: String(setting.lanes),
        CREDIT_LEDGER_BATCH_SIZE: String(setting.batch),
      };
      const { url } = await bench.service(databaseUrl, { env });
      return { name: nameOf(setting), round: () => spend(url) };
    };
    const spend = async (url: string) => {
      const job: Job = {
        calls: { kind: 'spend', servers: [url], customers: CUSTOMERS },
        connections: 8,
        deadlineMs: 30_000,
        pace: { kind: 'closed', inFlight: IN_FLIGHT },
        warmUpSeconds: bench.quick ? 0.5 : 1,
        seconds: bench.quick ? 1 : 3,
      };
      const { done, refused, seconds } = await load.run(job);
      if (Object.keys(refused).length > 0) throw new Error(`${url} refused: ${JSON.stringify(refused)}`);
      return done / seconds;
    };
    const sides = await Promise.all([DEFAULTS, ...OTHERS].map(side));
    const rounds = await interleave(sides, bench.quick ? 2 : 5);
    const value = (setting: Setting) => typical(rounds, nameOf(setting));
    return OTHERS.map((setting): Row => {
      const [ours, other] = [nameOf(DEFAULTS), nameOf(setting)];
      return {
        measured: `unary spends with ${other}`,
        ours: { what: ours, value: value(DEFAULTS), unit: 'calls/s' },
        other: { what: other, value: value(setting), unit: 'calls/s' },
        ratio: ratioOf(rounds, ours, other),
        goal: null,
        conditions: `${agreement(rounds, ours, other)}; ${IN_FLIGHT} in flight, ${CUSTOMERS} customers`,
      };
    });
  },
};
