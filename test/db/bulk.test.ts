import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Amount } from '../../src/amount.ts';
import { bulkInsert, bulkUpdate } from '../../src/db/bulk.ts';
import {
  columnsOf,
  integer,
  jsonb,
  inKey,
  computed,
  numeric,
  optional,
  smallint,
  text,
  texts,
  columnSet,
} from '../../src/db/columns.ts';
import { connect, type Statement } from '../../src/db/database.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

const { url } = await testDatabase('empty');
const seen: Statement<unknown>[] = [];
const database = connect({ url, poolSize: 1, onStatement: (one) => seen.push(one) });
const sql = await openSql(url);
afterAll(() => Promise.all([database.close(), sql.end()]));

type Thing = {
  readonly id: number;
  readonly words: readonly string[];
  readonly note: string | null;
  readonly amount: Amount | null;
  readonly facts: object | null;
};
const changing = columnSet();
const columns = columnsOf<Thing>({
  shard: computed(inKey(smallint), () => 0),
  id: computed(inKey(integer), (thing) => thing.id),
  words: computed(changing(texts), (thing) => thing.words),
  note: computed(changing(optional(text)), (thing) => thing.note),
  amount: computed(optional(numeric), (thing) => thing.amount),
  facts: computed(optional(jsonb), (thing) => thing.facts),
});
const insertThings = bulkInsert('things', columns);
const insertOnce = bulkInsert('unique_things', columns, 'leaves');
const updateThings = bulkUpdate('update_things', 'things', columns, [changing], 't.amount > 0');

beforeAll(async () => {
  for (const table of ['things', 'unique_things']) {
    await sql.rows(
      `create table ${table} (shard smallint default 0, id int primary key, words text[] not null, note text, amount numeric, facts jsonb)`,
    );
  }
});

const thing = (id: number, more: Partial<Thing> = {}): Thing => ({
  id,
  words: [],
  note: 'a note',
  amount: 10n ** 12n,
  facts: {},
  ...more,
});
const things = () => sql.rows('select id, words, note, amount, facts from things order by id');

describe('a bulk insert', () => {
  test('writes rows as they are, lists and all', async () => {
    const awkward = [
      '',
      ' ',
      'null',
      'NULL',
      '{}',
      'a,b',
      '"',
      `'`,
      '\\',
      '\n',
      '{"a": [1]}',
      '[]',
      'ä€𝕏',
      '$1',
    ];
    await insertThings(database, [
      thing(1, { words: awkward }),
      thing(2, { note: null, amount: null, facts: null }),
      thing(3, { note: awkward.join(), facts: { awkward } }),
    ]);

    expect(await things()).toEqual([
      { id: 1, words: awkward, note: 'a note', amount: 10n ** 12n, facts: {} },
      { id: 2, words: [], note: null, amount: null, facts: null },
      { id: 3, words: [], note: awkward.join(), amount: 10n ** 12n, facts: { awkward } },
    ]);
  });

  test('is one statement with one text, however many rows there are', async () => {
    seen.length = 0;
    await insertThings(database, [thing(10)]);
    await insertThings(
      database,
      Array.from({ length: 500 }, (_, i) => thing(100 + i, { words: [`word ${i}`] })),
    );

    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1]);
    expect(await sql.rows('select count(*) from things where id >= 100 and words = array[note]')).toEqual([
      { count: 0 },
    ]);
    expect(await sql.rows(`select count(*) from things where words = array['word ' || id - 100]`)).toEqual([
      { count: 500 },
    ]);
  });

  test('of no rows sends nothing', async () => {
    seen.length = 0;
    await insertThings(database, []);

    expect(seen).toEqual([]);
  });

  test('writes all rows or none', async () => {
    await expect(insertThings(database, [thing(20), thing(21), thing(1)])).rejects.toMatchObject({
      code: '23505',
    });

    expect(await sql.rows('select 1 from things where id in (20, 21)')).toEqual([]);
  });

  test('leaves rows that are there alone where it is told to', async () => {
    await insertOnce(database, [thing(1)]);
    await insertOnce(database, [thing(1, { note: 'another' }), thing(2)]);

    expect(await sql.rows('select id, note from unique_things order by id')).toEqual([
      { id: 1, note: 'a note' },
      { id: 2, note: 'a note' },
    ]);
  });
});

describe('a bulk update', () => {
  test('is of sets that the table has columns of', () => {
    expect(() => bulkUpdate('update_others', 'things', columns, [columnSet()])).toThrow(
      'things has no column of a set that update_others is to update',
    );
    // @ts-expect-error a set is known by what it is, not by a name that may be misspelt
    expect(() => bulkUpdate('update_misspelt', 'things', columns, ['changign'])).toThrow('no column');
  });

  test('sets what is not part of the key, on the rows that key and condition name', async () => {
    await insertThings(database, [thing(40), thing(41), thing(42, { amount: 0n }), thing(43)]);
    await updateThings(database, [
      thing(40, { words: ['new', 'words'], note: null }),
      thing(42, { words: ['not'], note: 'not' }),
      thing(43, { note: 'changed' }),
      thing(44, { note: 'nobody' }),
    ]);

    expect(
      await sql.rows('select id, words, note from things where id between 40 and 44 order by id'),
    ).toEqual([
      { id: 40, words: ['new', 'words'], note: null },
      { id: 41, words: [], note: 'a note' },
      { id: 42, words: [], note: 'a note' },
      { id: 43, words: [], note: 'changed' },
    ]);
  });

  test('of no rows sends nothing', async () => {
    seen.length = 0;
    await updateThings(database, []);

    expect(seen).toEqual([]);
  });
});
