import { beforeAll, expect, test } from 'vitest';
import { declaredStatements } from '../../src/db/database.ts';
import { allowAnything, columnsOf } from '../support/damage.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** The set of books: what is deleted, renamed or moved shows against the register. */

const world = await testWorld();
const { caller, sql, url } = world;
const tables = [...new Set((await columnsOf(sql)).map(({ table }) => table))];

const refused = await sql.rows('delete from book_register').catch((error: Error) => error.message);
beforeAll(() => allowAnything(sql));

test('the register is not changed by the role of the service', () => {
  expect(refused).toContain('permission denied');
});

/** Ada and bob, each with a grant that is used, in a namespace of the test's own. */
async function booksOf(namespace: string): Promise<string> {
  for (const customerId of ['ada', 'bob']) {
    await caller.answer('CreateGrant', { ...grantRequest(), namespace, customerId });
    await caller.answer('ConsumeCredits', { ...spendRequest({ amount: '10' }), namespace, customerId });
  }
  expect((await verified(url, { namespace })).findings).toEqual([]);
  const [ada] = await sql.rows<{ id: string }>(
    `select id from books where namespace = $1 and customer_id = 'ada'`,
    [namespace],
  );
  return ada!.id;
}

const told = async (request: { namespace: string; customerId?: string }) =>
  (await verified(url, request)).findings.map(({ customerId, message }) => [customerId, message] as const);

test('every table with rows of a book is gone through', async () => {
  const ofBooks = (await columnsOf(sql))
    .filter(({ column }) => column === 'book_id')
    .map(({ table }) => table);
  const looked = [...declaredStatements.keys()].filter((name) => name.startsWith('orphans_of_'));

  expect(looked.map((name) => name.slice('orphans_of_'.length)).toSorted()).toEqual(
    ofBooks.filter((table) => table !== 'book_register').toSorted(),
  );
});

test('a book of which nothing is left but its registration is missed', async () => {
  const id = await booksOf('deleted');
  for (const table of tables.filter((one) => !['book_register', 'currencies', 'books'].includes(one))) {
    await sql.rows(`delete from ${table} where book_id = $1`, [id]);
  }
  await sql.rows('delete from books where id = $1', [id]);
  const missing = [['ada', `the book ${id} was made for ada in namespace deleted, and is not there`]];

  expect(await told({ namespace: 'deleted' })).toEqual(missing);
  expect(await told({ namespace: 'deleted', customerId: 'ada' })).toEqual(missing);
  expect(await told({ namespace: 'deleted', customerId: 'bob' })).toEqual([]);
});

test('a book whose row is gone is missed, and its rows are told as of nobody', async () => {
  const id = await booksOf('headless');
  await sql.rows('delete from books where id = $1', [id]);

  expect(await told({ namespace: 'headless' })).toEqual([
    ['ada', `the book ${id} was made for ada in namespace headless, and is not there`],
    ['', expect.stringMatching(new RegExp(`^rows in writes, .*entries of shard \\d+ are of a book ${id}`))],
  ]);
  expect(await told({ namespace: 'elsewhere' })).toEqual([]);
});

test('entries of a book that never was are told to everybody', async () => {
  const id = await booksOf('invented');
  await sql.rows(
    `insert into entries select (jsonb_populate_record(e, jsonb_build_object('book_id', 1))).*
     from entries e where book_id = $1 limit 1`,
    [id],
  );
  const nobody = [['', expect.stringMatching(/^rows in entries of shard \d+ are of a book/)]];

  expect(await told({ namespace: 'invented' })).toEqual(nobody);
  expect(await told({ namespace: 'another' })).toEqual(nobody);
  await sql.rows(
    `delete from entries e where not exists (select from book_register r where r.book_id = e.book_id)`,
  );
});

test('a renamed customer is told with both names', async () => {
  const id = await booksOf('renamed');
  await sql.rows(`update books set customer_id = 'eve' where id = $1`, [id]);
  const renamed = `the book ${id} was made for ada in namespace renamed, and is of eve in namespace renamed now`;

  expect(await told({ namespace: 'renamed' })).toEqual([['eve', renamed]]);
  expect(await told({ namespace: 'renamed', customerId: 'ada' })).toEqual([['ada', renamed]]);
});

test('a book that was moved is told in the namespace it left and in the one it came to', async () => {
  const id = await booksOf('left');
  await sql.rows(`update books set namespace = 'arrived' where id = $1`, [id]);
  const moved = `the book ${id} was made for ada in namespace left, and is of ada in namespace arrived now`;

  expect(await told({ namespace: 'left' })).toEqual([['ada', moved]]);
  expect(await told({ namespace: 'arrived' })).toEqual([['ada', moved]]);
});

test('a book moved with its registration does not follow from its hashes', async () => {
  const id = await booksOf('forged');
  await sql.rows(`update books set customer_id = 'eve' where id = $1`, [id]);
  await sql.rows(`update book_register set customer_id = 'eve' where book_id = $1`, [id]);
  const { kinds } = await verified(url, { namespace: 'forged' });

  expect(new Set(kinds)).toEqual(new Set(['BOOK_REGISTER', 'HASH_CHAIN']));
});

test('a book that was not registered is told', async () => {
  const id = await booksOf('unregistered');
  await sql.rows('delete from book_register where book_id = $1', [id]);

  expect(await told({ namespace: 'unregistered', customerId: 'ada' })).toEqual([
    ['ada', `the book ${id} of ada in namespace unregistered is not in the register of books`],
  ]);
});

test('one made again for a customer whose book is gone is told as well', async () => {
  const id = await booksOf('again');
  await sql.rows('delete from books where id = $1', [id]);
  const fresh = await world.another();
  await fresh.answer('CreateGrant', { ...grantRequest(), namespace: 'again', customerId: 'ada' });
  const messages = (await told({ namespace: 'again', customerId: 'ada' })).map(([, message]) => message);

  expect(messages).toEqual([
    expect.stringContaining('is not in the register of books'),
    `the book ${id} was made for ada in namespace again, and is not there`,
  ]);
});
