import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import { audit } from '../support/audit.ts';
import { aGrant } from '../support/builders.ts';
import { ownBooks } from '../support/own-books.ts';
import { stateOf } from '../support/sql.ts';
import { aSubmission } from '../support/submissions.ts';

/**
 * What validation lets pass and the database cannot hold (here a NUL, which validation refuses first) concerns its
 * caller alone, though it travels in one transaction with others.
 */

const { books, sql } = await ownBooks();

const uuids = uuidMaker(Date.now);
const grant = (name: string) => {
  const plain = aGrant({ grantId: idOf('grt', uuids()) });
  return { ...plain, details: { ...plain.details, name } };
};

const outcomes = async (names: readonly string[], customerOf: (i: number) => string) =>
  Promise.allSettled(
    names.map((name, i) => books.submit(aSubmission({ command: grant(name), customerId: customerOf(i) }))),
  );

/** Names of customers whose books share a queue, so that their writes share transactions. */
const neighbours = Array.from({ length: 2_000 }, (_, i) => `neighbour ${i}`).filter(
  (customerId) => shardOf({ namespace: 'default', customerId }) === 7,
);

describe('a write that the database refuses', () => {
  test('fails alone among the writes of one book, which come in their order without a gap', async () => {
    const results = await outcomes(['a', 'b', 'not \0 this', 'd', 'e'], () => 'ada');

    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value.version : 'refused')),
    ).toEqual([1, 2, 'refused', 3, 4]);
    expect(results[2]).toMatchObject({ reason: { code: '22021' } });
  });

  test('fails alone among the writes of other books', async () => {
    const names = neighbours.slice(0, 20).map((_, i) => (i === 13 ? 'not \0 this' : 'fine'));
    const results = await outcomes(names, (i) => neighbours[i]!);

    const failed = results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    expect(failed).toEqual([13]);
  });

  test('leaves the others alone also when there are several of its kind, and when it comes first or last', async () => {
    const bad = new Set([0, 1, 7, 31, 63]);
    const names = Array.from({ length: 64 }, (_, i) => (bad.has(i) ? 'not \0 this' : 'fine'));
    const results = await outcomes(names, (i) => neighbours[20 + (i % 3)]!);

    const failed = results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    expect(failed).toEqual([...bad]);
  });

  test('changes nothing', async () => {
    await outcomes(['fine'], () => 'bob');
    const state = await stateOf(sql);
    const [result] = await outcomes(['not \0 this'], () => 'bob');

    expect(result!.status).toBe('rejected');
    expect(await stateOf(sql)).toEqual(state);
  });

  test('leaves sound books behind', async () => {
    expect(await audit(sql)).toEqual([]);
  });
});
