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

/** What is written for all customers in turn, like the spends of a day; the tables are packed by nobody before or after. */
async function bytesOf(bench: Bench, databaseUrl: string): Promise<readonly Row[]> {
  const client = createClient([(await bench.service(databaseUrl)).url], 1);
  bench.defer(() => client.close());
  bench.say('counting bytes');
  const sql = await bench.sql(databaseUrl);
  const [calls, size] = [bench.quick ? 10 : 50, 1000];
  const spread = `spread over ${CUSTOMERS.toLocaleString('en-US')} customers`;
  const rows: Row[] = [];
  for (const { what, which, write } of WRITES) {
    const before = await sizes(sql);
    for (let call = 0; call < calls; call += 1) {
      const customers = Array.from({ length: size }, (_, i) => customerId((call * size + i) % CUSTOMERS));
      await write(client, customers);
    }
    const after = await sizes(sql);
    const each = (of: keyof Sizes) => Math.round((after[of] - before[of]) / (calls * size));
    const conditions = `${(calls * size).toLocaleString('en-US')} ${which}, ${spread}`;
    rows.push(
      row(
        `disk ${what} takes`,
        'tables and indexes',
        each('table') + each('index'),
        `${each('table')} in tables, ${each('index')} in indexes; ${conditions}`,
        'bytes',
      ),
      row(
        `log ${what} writes`,
        'WAL',
        each('wal'),
        `${conditions}; full pages after checkpoints included`,
        'bytes',
      ),
    );
  }
  return rows;
}

type Written = {
  readonly what: string;
  readonly which: string;
  /** One for each of these customers. */
  write(client: Client, customers: readonly string[]): Promise<void>;
};

const PATIENCE_MS = 60_000;
const { batchConsumeCredits, batchCreateGrants } = CreditService.method;

/** Grants come last: no spend has another one to choose from. */
const WRITES: readonly Written[] = [
  {
    what: 'a spend',
    which: 'spends with a key each',
    async write(client, customers) {
      const requests = customers.map((id) => ({ ...SPEND, customerId: id, idempotencyKey: key() }));
      refuseErrors(await client.call(batchConsumeCredits, { requests }, PATIENCE_MS));
    },
  },
  {
    what: 'a spend without a key',
    which: 'spends without one',
    async write(client, customers) {
      const requests = customers.map((id) => ({ ...SPEND, customerId: id }));
      refuseErrors(await client.call(batchConsumeCredits, { requests }, PATIENCE_MS));
    },
  },
  {
    what: 'a spend with 100 bytes of labels',
    which: 'spends with a key each',
    async write(client, customers) {
      const labels = { run: 'x'.repeat(97) };
      const requests = customers.map((id) => ({ ...SPEND, labels, customerId: id, idempotencyKey: key() }));
      refuseErrors(await client.call(batchConsumeCredits, { requests }, PATIENCE_MS));
    },
  },
  {
    what: 'a grant',
    which: 'grants with a key each',
    async write(client, customers) {
      const grant = { currency: SPEND.currency, amount: '100', name: 'Plenty' };
      const requests = customers.map((id) => ({ ...grant, customerId: id, idempotencyKey: key() }));
      refuseErrors(await client.call(batchCreateGrants, { requests }, PATIENCE_MS));
    },
  },
];

type Outcomes = { readonly results: readonly { readonly outcome: { readonly case?: string | undefined } }[] };

function refuseErrors({ results }: Outcomes): void {
  if (results.some(({ outcome }) => outcome.case === 'error')) throw new Error('a write was refused');
}

async function sizes(sql: Sql): Promise<Sizes> {
  const [found] = await sql.rows<Sizes>(
    `select sum(pg_table_size(c.oid))::bigint as table, sum(pg_indexes_size(c.oid))::bigint as index,
            pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as wal
     from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
  );
  return found!;
}
