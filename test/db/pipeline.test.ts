import { afterAll, describe, expect, test } from 'vitest';
import { connect, statement } from '../../src/db/database.ts';
import { testDatabase } from '../support/postgres.ts';

const { url } = await testDatabase('empty');
const database = connect({ url, poolSize: 1 });
afterAll(() => database.close());

const QUOTIENT = statement<{ value: number }>('quotient', 'select 12 / $1::int as value');
const NUMERIC = statement<{ value: bigint }>('a_numeric', 'select $1::numeric as value');
const NOTHING = statement<{ value: number }>('nothing', 'select 1 as value where $1::int is null');

/** What became of statements that were sent within one turn. */
const outcomes = (sent: readonly Promise<unknown>[]): Promise<readonly unknown[]> =>
  Promise.allSettled(sent).then((all) =>
    all.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as { code?: string }).code)),
  );

describe('statements sent together', () => {
  test('are answered each with its own rows, also where there are none', async () => {
    await database.snapshot(async (connection) => {
      const sent = [
        connection.run(QUOTIENT, [4]),
        connection.run(NOTHING, [1]),
        connection.run(QUOTIENT, [3]),
        connection.run(NOTHING, [null]),
      ];

      expect(await Promise.all(sent)).toEqual([[{ value: 3 }], [], [{ value: 4 }], [{ value: 1 }]]);
    });
  });

  test('fail from the one that fails on, for its reason', async () => {
    const work = database.transaction(async (connection) => {
      const sent = [3, 0, 4].map((divisor) => connection.run(QUOTIENT, [divisor]));

      expect(await outcomes(sent)).toEqual([[{ value: 4 }], '22012', '22012']);
    });

    await expect(work).rejects.toThrow('the transaction had failed');
  });

  test('are answered although a row of one cannot be read', async () => {
    const sent = await database.snapshot(async (connection) => {
      const all = [
        connection.run(NUMERIC, ['1.5']),
        connection.run(NUMERIC, ['NaN']),
        connection.run(QUOTIENT, [3]),
      ];
      return Promise.allSettled(all);
    });

    expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  test('are answered although a parameter of one cannot be written', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const sent = await database.snapshot((connection) =>
      Promise.allSettled([connection.run(QUOTIENT, [circular]), connection.run(QUOTIENT, [3])]),
    );

    expect(sent).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: [{ value: 4 }] }]);
  });
});

describe('a statement', () => {
  const failing = (name: string) => statement<{ value: number }>(name, 'select 12 / $1::int as value');

  test('that failed when it was first used may be used again', async () => {
    const first = failing('fails_first');
    await expect(database.run(first, [0])).rejects.toMatchObject({ code: '22012' });

    expect(await database.run(first, [3])).toEqual([{ value: 4 }]);
    expect(await database.run(first, [4])).toEqual([{ value: 3 }]);
  });

  test('that was skipped when it was first used may be used again', async () => {
    const skipped = failing('skipped_first');
    const work = database.transaction((connection) =>
      Promise.all([connection.run(QUOTIENT, [0]), connection.run(skipped, [3])]),
    );
    await expect(work).rejects.toMatchObject({ code: '22012' });

    expect(await database.run(skipped, [3])).toEqual([{ value: 4 }]);
  });

  test('that Postgres does not understand fails each time', async () => {
    const nonsense = statement<never>('nonsense', 'selekt');

    for (const _ of [1, 2]) await expect(database.run(nonsense)).rejects.toMatchObject({ code: '42601' });
  });
});
