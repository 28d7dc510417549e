import { beforeAll, describe, expect, test } from 'vitest';
import { pageOfCharges, type ChargeFilter } from '../../src/query/list-charges.ts';
import { uuidOf } from '../../src/id.ts';
import { day } from '../support/builders.ts';
import { copyRow, LATER_ID } from '../support/copied-rows.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** A page of charges looks at a bounded number of rows, whatever the filter and however many there are. */

const { caller, sql, time } = await testWorld();
const customerId = 'ada';
const MANY = 40_000;
const SMALL_BOOKS = 5_000;
let names: Readonly<Record<string, string>>;
let book: { shard: number; bookId: number };

/** The oldest charges are an open and a canceled one, and one in euros; all that came later is final, in dollars. */
beforeAll(async () => {
  time.now = day(1);
  await caller.answer('CreateGrant', grantRequest());
  const open = async (more: object = {}) => {
    const type = { type: 'CHARGE_TYPE_FLAT_FEE', ...CREDIT_ONLY };
    return (await caller.answer('CreateCharge', { ...spendRequest({ amount: '1' }), ...type, ...more }))[
      'charge'
    ].id;
  };
  const spend = async (more: object) =>
    (await caller.answer('ConsumeCredits', spendRequest({ ...CREDIT_ONLY, ...more })))['charge'].id;
  names = {
    open: await open(),
    canceled: await open(),
    euro: await spend({ currency: 'EUR' }),
    final: await spend({}),
  };
  await caller.answer('CancelCharge', { customerId, chargeId: names['canceled'] });
  const [row] = await sql.rows<{ shard: number; id: number }>('select shard, id from books');
  book = { shard: row!.shard, bookId: row!.id };
  const final = `id = '${uuidOf(names['final']!)}'`;
  await copyRow(sql, 'charges', final, MANY, { id: LATER_ID });
  const small = { shard: '(k % 64)::smallint', book_id: `k::bigint`, id: LATER_ID };
  await copyRow(sql, 'charges', final, SMALL_BOOKS, small);
  await sql.rows('vacuum (analyze) charges');
});

const idsOf = (answer: Json): readonly string[] =>
  (answer['charges'] ?? []).map((charge: Json) => charge['id']);
const status = (...asked: readonly string[]) => ({ statuses: asked.map((name) => `CHARGE_STATUS_${name}`) });

test.each([
  [['open'], status('OPEN')],
  [['canceled'], status('CANCELED')],
  [['canceled', 'open'], status('OPEN', 'CANCELED')],
])('the first page has what is %s behind 40,000 others', async (expected, filter) => {
  const answer = await caller.answer('ListCharges', { customerId, ...filter });

  expect(idsOf(answer)).toEqual(expected.map((name) => names[name]));
  expect(answer['nextPageToken'] ?? '').toBe('');
});

test('where a filter lets nothing through a page ends early, and the pages together have all', async () => {
  const found: string[] = [];
  let pages = 0;
  for (let pageToken: string | undefined = ''; pageToken !== undefined; pages += 1) {
    const answer: Json = await caller.answer('ListCharges', { customerId, currency: 'EUR', pageToken });
    found.push(...idsOf(answer));
    pageToken = answer['nextPageToken'];
  }

  expect(found).toEqual([names['euro']]);
  expect(pages).toBe(5);
});

const FILTER: ChargeFilter = { statuses: [], type: null, currency: null, featureKey: null, actor: null };
/** A page of the table holds some thirty rows; each looked at out of its order costs one or two. */
const FILTERS: readonly (readonly [Partial<ChargeFilter>, pages: number])[] = [
  [{ statuses: ['OPEN'] }, 10],
  [{ statuses: ['CANCELED'] }, 10],
  [{ statuses: ['OPEN', 'CANCELED'] }, 20],
  [{ statuses: ['FINAL'] }, 200],
  [{}, 200],
  [{ currency: 'EUR' }, 1_000],
  [{ statuses: ['FINAL', 'OPEN'], featureKey: 'a' }, 1_000],
  // Three or four pages to find each one's write.
  [{ actor: 'nobody' }, 17_000],
  [{ statuses: ['CANCELED'], actor: 'nobody' }, 50],
];

describe.each<Planning>(['custom', 'generic'])('with a %s plan', (planning) => {
  test.each(FILTERS)('%j reads a bounded number of rows', async (filter, bound) => {
    const connection = explaining(sql, planning);
    await pageOfCharges(connection, book, { ...FILTER, ...filter }, { from: null, limit: 50 });

    expect(connection.plans).toHaveLength(2);
    const [page] = connection.plans;
    expect(page!.scans.filter((scan) => /Seq Scan/.test(scan))).toEqual([]);
    expect(page!.pages).toBeLessThan(bound);
  });
});
