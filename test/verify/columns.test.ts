import { beforeAll, describe, expect, test } from 'vitest';
import { VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { callerOf } from '../support/caller.ts';
import { allowAnything, columnsOf, foundWhile, type TableColumn } from '../support/damage.ts';
import { CREDIT_ONLY, at, grantRequest, spendRequest } from '../support/requests.ts';
import { verified } from '../support/verifier.ts';
import { everything } from '../support/verify-story.ts';
import { testWorld } from '../support/world.ts';

/**
 * Every column of every table, changed in every row that has it: verification finds each of them, or the column stands
 * below with the reason why nobody could.
 */
const NOT_FOUND: Readonly<Record<string, string>> = {
  'currencies.*': 'units belong to a namespace, not to a book: no chain holds them',
  'idempotency.shard':
    'an answer that took no version is in no chain: where nobody looks for it, nobody misses it',
  'idempotency.recorded_at': 'says when the answer may be forgotten, and nothing follows from it',
};

/** Tables that fill with 64 versions of facts told late; what becomes of them damaged is the matter of another test. */
const ELSEWHERE = ['late_sums', 'late_summed'];

const world = await testWorld();
const { caller, sql, time, url } = world;
await everything(world, 'ada');

/** What the story leaves out: who wrote it, keys, taxes, labels, usage with sequences, payments in steps, voids. */
const jane = callerOf({ url }, () => ({ 'credit-ledger-actor': 'jane', 'x-request-id': 'story' }));
const write = async (rpc: string, request: object) => {
  time.now += 60_000;
  return jane.answer(rpc, { customerId: 'ada', ...request });
};
const TAX = { code: 'VAT', behavior: 'TAX_BEHAVIOR_INCLUSIVE' };
const said = { labels: { zone: 'eu', a: '1' }, tax: TAX };
const invoiced = await write('CreateGrant', {
  ...grantRequest({ name: 'Invoiced', ...said }),
  customerId: 'ada',
  idempotencyKey: 'invoiced',
  expiresAt: at(time.now + 900 * 86_400_000),
  funding: {
    method: 'FUNDING_METHOD_INVOICE',
    availabilityPolicy: 'AVAILABILITY_POLICY_ON_AUTHORIZATION',
    purchaseCurrency: 'EUR',
    perUnitCostBasis: '0.5',
  },
});
const { id: grantId } = invoiced['grant'];
await write('UpdateGrantSettlement', { grantId, status: 'SETTLEMENT_STATUS_ISSUED', invoiceId: 'in_1' });
await write('UpdateGrantSettlement', { grantId, status: 'SETTLEMENT_STATUS_AUTHORIZED' });
const settled = { grantId, status: 'SETTLEMENT_STATUS_SETTLED' };
await write('UpdateGrantSettlement', settled);
// Changes nothing: remembered, and under no version.
await write('UpdateGrantSettlement', { ...settled, idempotencyKey: 'again' });
const usage = await write('CreateCharge', {
  ...spendRequest({ ...CREDIT_ONLY, ...said }),
  customerId: 'ada',
  idempotencyKey: 'usage',
  type: 'CHARGE_TYPE_USAGE_BASED',
  holdExpiresAt: at(time.now + 86_400_000),
});
await write('UpdateCharge', { chargeId: usage['charge'].id, amount: '3', sequence: '7' });
await write('CollectCharge', { chargeId: usage['charge'].id, amount: '500', finalize: true });
const spent = { ...spendRequest({ ...CREDIT_ONLY, featureKey: 'z', ...said }), customerId: 'ada' };
await write('ConsumeCredits', { ...spent, amount: '5', idempotencyKey: 'spent' });
const failing = await write('CreateGrant', {
  ...grantRequest({ name: 'Failing' }),
  customerId: 'ada',
  funding: {
    method: 'FUNDING_METHOD_EXTERNAL',
    availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
    purchaseCurrency: 'USD',
    initialSettlementStatus: 'SETTLEMENT_STATUS_AUTHORIZED',
  },
});
await write('UpdateGrantSettlement', { grantId: failing['grant'].id, status: 'SETTLEMENT_STATUS_FAILED' });
const voided = await write('CreateGrant', {
  ...grantRequest({ name: 'Void', featureKeys: ['v'] }),
  customerId: 'ada',
});
await write('VoidGrant', { grantId: voided['grant'].id, reason: 'a mistake' });
// A split that has a row though nothing of it moved, as a later one was recognized, and then one that has none.
await write('CreateGrant', { ...grantRequest({ currency: 'EUR' }), customerId: 'ada' });
await write('ConsumeCredits', { ...spendRequest({ currency: 'EUR', amount: '1' }), customerId: 'ada' });
await write('CreateGrant', { ...grantRequest({ name: 'Late', amount: '1000' }), customerId: 'ada' });
await write('ConsumeCredits', { ...spendRequest({ amount: '1' }), customerId: 'ada' });
await write('RecognizeRevenue', { currency: 'USD' });
await write('ConsumeCredits', { ...spendRequest({ currency: 'EUR', amount: '1' }), customerId: 'ada' });
await caller.answer('CreateCurrency', { code: 'TOKENS', name: 'Tokens', precision: 2 });

const columns = (await columnsOf(sql)).filter(({ table }) => !ELSEWHERE.includes(table));

test('the story has a row in every table, and is sound', async () => {
  for (const table of new Set(columns.map((column) => column.table))) {
    expect(await sql.rows(`select 1 from ${table} limit 1`), table).toHaveLength(1);
  }
  const { findings, summary } = await verified(url, {});

  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(summary).toMatchObject({ verdict: VerifyVerdict.SOUND });
});

test('every exception is a column that is there', () => {
  const names = columns.map(({ table, column }) => `${table}.${column}`);
  const exceptions = Object.keys(NOT_FOUND).map((name) => name.replace('*', ''));

  expect(exceptions.filter((name) => !names.some((one) => one.startsWith(name)))).toEqual([]);
});

/** Another value of the type, whatever the value is. */
const OTHER: Readonly<Record<string, (column: string) => string>> = {
  text: (column) => `coalesce(${column}, '') || 'x'`,
  uuid: () => 'gen_random_uuid()',
  numeric: (column) => `coalesce(${column}, 0) + 0.000000000001`,
  smallint: (column) => `coalesce(${column}, 0) + 1000`,
  integer: (column) => `coalesce(${column}, 0) + 1000`,
  bigint: (column) => `coalesce(${column}, 0) + 1000`,
  boolean: (column) => `not ${column}`,
  bytea: (column) => `sha256(coalesce(${column}, ''))`,
  jsonb: (column) => `${column} || '{"forged": 1}'`,
  ARRAY: (column) => `${column} || '{7}'`,
  'timestamp with time zone': (column) =>
    `case when isfinite(${column}) then ${column} - interval '1 ms' else timestamptz '2026-02-03 00:00:00+00' end`,
};

/** Of these columns only some rows say anything: what a write seals are texts, and not every write has one. */
const SAYING: Readonly<Record<string, string>> = {
  'writes.salt': `method in ('CreateGrant', 'CreateCharge', 'ConsumeCredits')`,
};

/** Few of each kind of row: the first and the last that has a value, and one that has none. */
function rowsOf({ table, column }: TableColumn) {
  const saying = `${table} where ${SAYING[`${table}.${column}`] ?? 'true'}`;
  return sql.rows<{ at: string }>(
    `(select ctid::text as at from ${saying} and ${column} is not null order by ctid limit 1)
     union (select ctid::text from ${saying} and ${column} is not null order by ctid desc limit 1)
     union (select ctid::text from ${saying} and ${column} is null order by ctid limit 1)`,
  );
}

/** A column that says something only together with another is not let alone. */
function refused(error: Error & { readonly constraint?: string }): undefined {
  if (!error.constraint?.endsWith('_together')) throw error;
}

describe('is found when it is changed:', () => {
  beforeAll(() => allowAnything(sql));

  test.each(
    columns
      .filter(({ table, column }) => !(`${table}.*` in NOT_FOUND || `${table}.${column}` in NOT_FOUND))
      .map((column) => [`${column.table}.${column.column}`, column] as const),
  )('%s', async (_, of) => {
    const { table, column, type } = of;
    // Put back, the rows are elsewhere.
    for (let i = 0; i < (await rowsOf(of)).length; i += 1) {
      const where = `ctid = '${(await rowsOf(of))[i]!.at}'`;
      const statement = `update ${table} set ${column} = ${OTHER[type]!(column)} where ${where}`;
      const [was] = await sql.rows<{ row: string }>(`select t::text as row from ${table} t where ${where}`);
      const found = await foundWhile(world, [table], statement).catch(refused);

      expect(found?.findings, `${statement}: ${was!.row}`).not.toEqual([]);
    }
  });
});
