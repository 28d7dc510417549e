import { describe, expect, test } from 'vitest';
import { bind, parameters } from '../../src/db/parameters.ts';

const p = parameters({ shard: 'smallint', asOf: 'timestamptz', limit: 'bigint' });

describe('the parameters of a statement', () => {
  test('are numbered and typed in their order', () => {
    expect(`${p.limit} ${p.shard} ${p.asOf}`).toBe('$3::bigint $1::smallint $2::timestamptz');
  });

  test('are taken by name from whichever part gives them, in their order', () => {
    expect(bind(p, { limit: 5, shard: 1 }, { asOf: 0, other: 'of no account' })).toEqual([
      1,
      '1970-01-01T00:00:00.000Z',
      5,
    ]);
  });

  test('are refused where a part has besides its type what another one gives', () => {
    const book: { readonly shard: number } = { shard: 1, asOf: 7 } as { readonly shard: number };
    expect(() => bind(p, { asOf: 0, limit: 5 }, book)).toThrow('the parameter asOf is given more than once');
    expect(bind(parameters({ shard: 'smallint' }), book), 'and only there').toEqual([1]);
  });

  test('have to be given, in their types', () => {
    // @ts-expect-error no limit
    expect(() => bind(p, { shard: 1 }, { asOf: 0 })).toThrow('limit');
    // @ts-expect-error a shard is a number
    expect(bind(p, { shard: 'one', asOf: 0, limit: 5 })).toHaveLength(3);
  });
});
