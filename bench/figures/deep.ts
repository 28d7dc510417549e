import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { createClient, type Client } from '../load/client.ts';
import { SPEND } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { agreement, interleave, ratioOf, typical, type Rounds } from '../support/rounds.ts';
import { cpuSeconds } from '../support/usage.ts';

/** How many grants are open in a book; the first is what the others are held against. */
const DEPTHS = [10, 1_000, 10_000] as const;
/** So many priorities, each of several grants in the deepest book: the worst there is to keep in order. */
const PRIORITIES = 1_000;
/** As many as a batch RPC takes. */
const BATCH = 1_000;

export const deep: Figure = {
  name: 'deep',
  goal: 'a book with 10,000 open grants against one with 10: a spend ≤ 3 ×, and a grant more costs the same',
  limit: 900,
  run: async (bench) => {
    // Room for those that are made while it is measured.
    const server = await bench.service(await bench.database('empty'), {
      env: { CREDIT_LEDGER_MAX_OPEN_GRANTS: '20000' },
    });
    const client = createClient([server.url], 1);
    bench.defer(() => client.close());
    for (const depth of DEPTHS) await fill(client, depth);
    bench.say('the books are filled');

    const calls = bench.quick ? 50 : 300;
    const cpu: Record<string, number[]> = {};
    /** One call after the other: milliseconds each, and microseconds of the service's CPU beside it. */
    const round = (name: string, call: () => Promise<unknown>, after?: () => Promise<void>) => async () => {
      const [began, used] = [performance.now(), cpuSeconds(server.pid)];
      for (let n = 0; n < calls; n += 1) await call();
      const took = performance.now() - began;
      (cpu[name] ??= []).push(((cpuSeconds(server.pid) - used) / calls) * 1_000_000);
      await after?.();
      return took / calls;
    };
    const contenders = DEPTHS.flatMap((depth) => {
      const made: string[] = [];
      return [
        { name: `spend ${depth}`, round: round(`spend ${depth}`, () => spend(client, depth)) },
        {
          name: `grant ${depth}`,
          round: round(
            `grant ${depth}`,
            async () => made.push(await createGrant(client, depth)),
            // So that the book stays as deep as it is called.
            async () => {
              for (const grantId of made.splice(0)) await voidGrant(client, depth, grantId);
            },
          ),
        },
      ];
    });
    // Compiled by then, on both sides.
    await interleave(contenders, 1);
    for (const name of Object.keys(cpu)) cpu[name] = [];
    const times = await interleave(contenders, bench.quick ? 2 : 5);
    return [
      ...DEPTHS.slice(1).map((depth) => rowOf({ times, cpu }, 'a spend', 'spend', depth, 3)),
      ...DEPTHS.slice(1).map((depth) => rowOf({ times, cpu }, 'a grant more', 'grant', depth, 1.5)),
    ];
  },
};

const idOf = (depth: number): string => `deep-${depth}`;

const grantOf = (depth: number, number: number) => ({
  customerId: idOf(depth),
  currency: SPEND.currency,
  amount: '1000000',
  name: 'One of many',
  priority: 1 + (number % PRIORITIES),
});

async function fill(client: Client, depth: number): Promise<void> {
  for (let from = 0; from < depth; from += BATCH) {
    const requests = Array.from({ length: Math.min(BATCH, depth - from) }, (_, i) =>
      grantOf(depth, from + i),
    );
    const { results } = await client.call(CreditService.method.batchCreateGrants, { requests }, 120_000);
    const refused = results.find(({ outcome }) => outcome.case === 'error');
    if (refused !== undefined) throw new Error(`a grant was refused: ${String(refused.outcome.case)}`);
  }
}

const spend = (client: Client, depth: number) =>
  client.call(CreditService.method.consumeCredits, { ...SPEND, customerId: idOf(depth) });

async function createGrant(client: Client, depth: number): Promise<string> {
  const { grant } = await client.call(CreditService.method.createGrant, grantOf(depth, PRIORITIES / 2));
  return grant!.id;
}

const voidGrant = (client: Client, depth: number, grantId: string) =>
  client.call(CreditService.method.voidGrant, { customerId: idOf(depth), grantId, reason: 'measured' });

function rowOf(
  { times, cpu }: { readonly times: Rounds; readonly cpu: Rounds },
  what: string,
  kind: 'spend' | 'grant',
  depth: number,
  most: number,
): Row {
  const [first] = DEPTHS;
  const [deeper, against] = [`${kind} ${depth}`, `${kind} ${first}`];
  const micros = (name: string) => typical(cpu, name).toFixed(0);
  return {
    measured: `${what} in a book with ${depth.toLocaleString('en')} open grants`,
    ours: { what: 'one at a time', value: typical(times, deeper), unit: 'ms' },
    other: { what: `a book with ${first}`, value: typical(times, against), unit: 'ms' },
    ratio: ratioOf(times, deeper, against),
    goal: { bound: 'at most', value: most },
    conditions: `${agreement(times, deeper, against)}; CPU of the service ${micros(deeper)} µs against ${micros(against)} µs; the grants have ${PRIORITIES} priorities; one call at a time, without keys`,
  };
}
