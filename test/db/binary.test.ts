import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/amount.ts';
import {
  arraysOf,
  bigint,
  bytea,
  columnsOf,
  integer,
  jsonb,
  computed,
  numeric,
  optional,
  smallint,
  text,
  timestamptz,
  uuid,
  type Column,
} from '../../src/db/columns.ts';
import { connect, statement } from '../../src/db/database.ts';
import { ALWAYS, EARLIEST, LATEST, NEVER } from '../../src/instant.ts';
import { testDatabase } from '../support/postgres.ts';

const { url } = await testDatabase('empty');
const database = connect({ url, poolSize: 1 });
afterAll(() => database.close());

const itself = <Value>(column: Column<Value>) =>
  columnsOf<Value>({ value: computed(column, (value: Value) => value) });

/** What Postgres read, as it prints it: its own way of saying what our bytes mean. */
async function printed<Value>(
  column: Column<Value>,
  values: readonly Value[],
): Promise<readonly (string | null)[]> {
  const { type } = column;
  const sent = statement<{ value: string | null }>(
    `print_${type}`,
    `select x.value::text from unnest($1::${type}[]) with ordinality x (value, place) order by place`,
  );
  const rows = await database.run(sent, arraysOf(itself(column), values));
  return rows.map(({ value }) => value);
}

/** Amounts of every size, those with few decimals and many zeros among them. */
const amounts = fc.oneof(
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
  fc.bigInt({ min: -1_000n, max: 1_000n }),
  fc
    .tuple(fc.bigInt({ min: -99n, max: 99n }), fc.nat(30))
    .map(([digits, zeros]) => digits * 10n ** BigInt(zeros)),
);

describe('in binary Postgres reads', () => {
  test('amounts as they are, and shows no more decimals than they have', async () => {
    const edges = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 9_999n, 10_000n, 10n ** 12n, 10n ** 16n];
    const values = [0n, ...edges, ...edges.map((edge) => -edge), ...fc.sample(amounts, 5_000)];

    expect(await printed(numeric, values)).toEqual(values.map(formatAmount));
  });

  test('instants to the millisecond, and those beyond all years as infinite', async () => {
    const inside = fc.integer({ min: EARLIEST, max: LATEST });
    const values = [EARLIEST, LATEST, -1, 0, Date.UTC(2000), ...fc.sample(inside, 2_000)];
    const rows = await database.run(
      statement<{ value: number }>('read_instants', 'select unnest($1::timestamptz[]) as value'),
      arraysOf(itself(timestamptz), values),
    );

    expect(rows.map(({ value }) => value)).toEqual(values);
    expect(await printed(timestamptz, [NEVER, ALWAYS, LATEST + 1, EARLIEST - 1])).toEqual([
      'infinity',
      '-infinity',
      'infinity',
      '-infinity',
    ]);
  });

  test('whole numbers of each size', async () => {
    const whole = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1];
    const values = [...whole, ...fc.sample(fc.maxSafeInteger(), 1_000)];

    expect(await printed(bigint, values)).toEqual(values.map(String));
    expect(await printed(integer, [0, -1, 2 ** 31 - 1, -(2 ** 31)])).toEqual([
      '0',
      '-1',
      '2147483647',
      '-2147483648',
    ]);
    expect(await printed(smallint, [0, -1, 32_767, -32_768])).toEqual(['0', '-1', '32767', '-32768']);
  });

  test('nothing that is no whole number, or no instant', async () => {
    for (const column of [smallint, integer, bigint])
      for (const wrong of [Number.NaN, 1.5, Infinity])
        await expect(printed(column, [wrong])).rejects.toThrow('not a whole number');
    await expect(printed(integer, [2 ** 31])).rejects.toThrow(RangeError);
    await expect(printed(timestamptz, [Number.NaN])).rejects.toThrow(RangeError);
  });

  test('uuids with dashes and without', async () => {
    const dashed = '0199a3c2-7def-7abc-8901-fedcba987654';

    expect(await printed(uuid, [dashed, dashed.replaceAll('-', '')])).toEqual([dashed, dashed]);
    for (const wrong of ['', '0199', `${dashed}0`, dashed.replace('a', 'g'), dashed.replace('a', 'ä')])
      await expect(printed(uuid, [wrong])).rejects.toThrow('not a uuid');
  });

  test('texts, JSON and bytes, however long and in whatever script', async () => {
    const texts = fc.sample(fc.string({ unit: 'grapheme', maxLength: 300 }), 500);
    const printable = texts.map((one) => one.replaceAll('\0', ''));
    const bytes = fc.sample(fc.uint8Array({ maxLength: 300 }), 500);

    expect(await printed(text, ['', 'ä€𝕏', ...printable])).toEqual(['', 'ä€𝕏', ...printable]);
    expect(await printed(bytea, bytes)).toEqual(bytes.map((one) => `\\x${Buffer.from(one).toString('hex')}`));
    const json = await printed(jsonb, [{ a: ['ä', null, 1] }, [], ['text']]);
    expect(json.map((one) => JSON.parse(one!))).toEqual([{ a: ['ä', null, 1] }, [], ['text']]);
  });

  test('what is not there as NULL, in arrays of any length', async () => {
    expect(await printed(optional(integer), [0, null, 2, null])).toEqual(['0', null, '2', null]);
    expect(await printed(optional(integer), [])).toEqual([]);
  });
});
