import type { Sql } from '../../test/support/sql.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { createClient, type Client } from '../load/client.ts';
import type { Bench } from '../support/bench.ts';
import { CUSTOMERS, customerId, SPEND } from '../support/customers.ts';
import type { Figure, Row } from '../support/figure.ts';
import { since, tap, type Traffic, type WireTap } from '../support/wire-tap.ts';

/** What it costs, whatever the machine: statements, round trips, bytes. Counted, so no rounds and no medians. */
export const cost: Figure = {
  name: 'cost',
  goal: 'statements and round trips of a batch are constant; bytes of a spend are stated',
  limit: 400,
  run: async (bench) => {
    const databaseUrl = await bench.database('customers');
    const wire = await tap(databaseUrl);
    bench.defer(() => wire.close());
    const client = createClient([(await bench.service(wire.url)).url], 1);
    bench.defer(() => client.close());
    // A connection prepares a statement, and looks up a type, with its first use: not counted.
    for (let i = 0; i < 10; i += 1) await Promise.all([spends(client, 4), balance(client, null)]);

    bench.say('counting statements and round trips');
    const one = await counted(wire, () => spends(client, 1));
    const many = await counted(wire, () => spends(client, 64));
    const now = await counted(wire, () => balance(client, null));
    const past = await counted(wire, () => balance(client, Date.now() - 1000));
    return [
      row(
        'a transaction of one spend',
        'round trips',
        one.roundTrips,
        `${one.statements} statements, begin and commit included`,
      ),
      row(
        'a transaction of 64 spends',
        'round trips',
        many.roundTrips,
        `${many.statements} statements: as many as for one, if equal to the line above`,
      ),
      row(
        'a balance now',
        'round trips',
        now.roundTrips,
        `${now.statements} statements, begin and commit included`,
      ),
      row(
        'a balance at a past instant',
        'round trips',
        past.roundTrips,
        `${past.statements} statements, begin and commit included`,
      ),
      ...(await bytesOf(bench, databaseUrl)),
    ];
  },
};

const row = (measured: string, what: string, value: number, conditions: string, unit = 'counted'): Row => ({
  measured,
  ours: { what, value, unit },
  other: null,
  ratio: null,
  goal: null,
  conditions,
});

/** Spends of one customer, so of one shard and one transaction. */
async function spends(client: Client, size: number): Promise<void> {
  const requests = Array.from({ length: size }, () => ({
    ...SPEND,
    customerId: customerId(0),
    idempotencyKey: key(),
  }));
  const { results } = await client.call(CreditService.method.batchConsumeCredits, { requests });
  if (results.some(({ outcome }) => outcome.case !== 'charge')) throw new Error('a spend was refused');
}

let keys = 0;
/** As long as the keys callers make. */
const key = (): string => `00000000-0000-4000-8000-${String((keys += 1)).padStart(12, '0')}`;

async function balance(client: Client, at: number | null): Promise<void> {
  const asOf =
    at === null ? {} : { asOf: { seconds: BigInt(Math.floor(at / 1000)), nanos: (at % 1000) * 1e6 } };
  await client.call(CreditService.method.getBalance, { customerId: customerId(0), ...asOf });
}

const TRIES = 5;

/** The fewest of some tries: a process that is kept from running in the middle of sending looks as if it waited. */
async function counted(wire: WireTap, action: () => Promise<void>): Promise<Traffic> {
  const tries: Traffic[] = [];
  for (let i = 0; i < TRIES; i += 1) {
    const before = wire.read();
    await action();
    tries.push(since(before, wire.read()));
  }
  return tries.toSorted((a, b) => a.roundTrips - b.roundTrips)[0]!;
}

type Sizes = { readonly table: number; readonly index: number; readonly wal: number };

/** Spends of all customers in turn, like those of a day; the tables are packed by nobody before or after. */
async function bytesOf(bench: Bench, databaseUrl: string): Promise<readonly Row[]> {
  const client = createClient([(await bench.service(databaseUrl)).url], 1);
  bench.defer(() => client.close());
  bench.say('counting bytes');
  const sql = await bench.sql(databaseUrl);
  const before = await sizes(sql);
  const [calls, size] = [bench.quick ? 10 : 50, 1000];
  for (let call = 0; call < calls; call += 1) {
    const requests = Array.from({ length: size }, (_, i) => ({
      ...SPEND,
      customerId: customerId((call * size + i) % CUSTOMERS),
      idempotencyKey: key(),
    }));
    await client.call(CreditService.method.batchConsumeCredits, { requests }, 60_000);
  }
  const after = await sizes(sql);
  const each = (of: keyof Sizes) => Math.round((after[of] - before[of]) / (calls * size));
  const spent = `${(calls * size).toLocaleString('en-US')} spends with a key each, spread over ${CUSTOMERS.toLocaleString('en-US')} customers`;
  return [
    row(
      'disk a spend takes',
      'tables and indexes',
      each('table') + each('index'),
      `${each('table')} in tables, ${each('index')} in indexes; ${spent}`,
      'bytes',
    ),
    row('log a spend writes', 'WAL', each('wal'), `${spent}; full pages after checkpoints included`, 'bytes'),
  ];
}

async function sizes(sql: Sql): Promise<Sizes> {
  const [found] = await sql.rows<Sizes>(
    `select sum(pg_table_size(c.oid))::bigint as table, sum(pg_indexes_size(c.oid))::bigint as index,
            pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as wal
     from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
  );
  return found!;
}
