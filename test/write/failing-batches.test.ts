import { describe, expect, test } from 'vitest';
import { answering, controlled, databaseError, refusal } from '../support/played-queue.ts';

/** What a queue of writes makes of a batch that the database, which the test plays itself, refuses. */

describe('a batch that fails', () => {
  test.each(['40001', '40P01', '55P03'])('by conflict %s is tried again as a whole', async (code) => {
    let left = 1;
    const { tried, outcomes } = answering(() => (left-- > 0 ? databaseError(code) : undefined));

    expect(await outcomes('ab')).toEqual(['a done', 'b done']);
    expect(tried).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('by conflict twice is split; what conflicts alone three times is answered CONFLICT, with when to try again', async () => {
    const { tried, outcomes } = answering((names) =>
      names.includes('c') ? databaseError('40001') : undefined,
    );

    expect(await outcomes('abcd')).toEqual(['a done', 'b done', refusal('CONFLICT'), 'd done']);
    expect(tried.map((names) => names.join(''))).toEqual([
      'abcd',
      'abcd',
      'ab',
      'cd',
      'cd',
      'c',
      'c',
      'c',
      'd',
    ]);
  });

  test('by a row that is there already is split at once: nobody was faster, somebody asked for it twice', async () => {
    const twice = databaseError('23505');
    const { tried, outcomes } = answering((names) => (names.includes('b') ? twice : undefined));

    expect(await outcomes('ab')).toEqual(['a done', twice]);
    expect(tried).toEqual([['a', 'b'], ['a'], ['b']]);
  });

  test('by a fault is split until the culprit stands alone; the others are done in order', async () => {
    const fault = databaseError('22021');
    const { tried, outcomes } = answering((names) => (names.includes('f') ? fault : undefined));

    expect(await outcomes('abcdefgh')).toEqual([
      'a done',
      'b done',
      'c done',
      'd done',
      'e done',
      fault,
      'g done',
      'h done',
    ]);
    const done = tried.filter((names) => !names.includes('f')).flat();
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e', 'g', 'h']);
    expect(tried.at(-1)).toEqual(['g', 'h']);
  });

  test('by several faults loses no other, and each culprit gets its own error', async () => {
    const { outcomes } = answering((names) => {
      const bad = names.find((name) => 'bdf'.includes(name));
      return bad === undefined ? undefined : new Error(`${bad} is bad`);
    });

    expect(await outcomes('abcdefg')).toEqual([
      'a done',
      new Error('b is bad'),
      'c done',
      new Error('d is bad'),
      'e done',
      new Error('f is bad'),
      'g done',
    ]);
  });

  test('by a lost database is not tried again: whether it happened is unknown', async () => {
    const { tried, outcomes } = answering(() => databaseError('ECONNRESET'));

    expect(await outcomes('ab')).toEqual(Array(2).fill(refusal('DATABASE_UNAVAILABLE')));
    expect(tried.length).toBe(1);
  });

  test('does not keep the next from being committed', async () => {
    const { submit, next } = controlled();
    const first = submit('a');
    const batch = await next();
    const second = submit('b');
    batch.fail(databaseError('57P01'));
    (await next()).answer();

    await expect(first).rejects.toEqual(refusal('DATABASE_UNAVAILABLE'));
    expect(await second).toBe('b done');
  });
});
