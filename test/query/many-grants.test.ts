import { beforeAll, describe, expect, test } from 'vitest';
import { pageOfGrants, type GrantFilter } from '../../src/query/list-grants.ts';
import { shardOf } from '../../src/tables/book-key.ts';
import { locate, type Moment, type WrittenView } from '../../src/book/view.ts';
import type { Statement } from '../../src/db/database.ts';
import { uuidOf } from '../../src/id.ts';
import { day } from '../support/builders.ts';
import { copyRow, LATER_ID } from '../support/copied-rows.ts';
import { explaining, type Plan, type Planning } from '../support/plans.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** A page of grants in some state costs little, whatever the other grants of a book are and however many. */

const seen: Statement<unknown>[] = [];
const { caller, sql, time } = await testWorld({ onStatement: (one) => seen.push(one) });
const key = { namespace: 'default', customerId: 'ada' };

const MANY = 60_000;
/** Since then it is known what has expired, and the book has been written once more. */
const SINCE = day(2) + 1_000;
const SMALL_BOOKS = 5_000;
let names: Readonly<Record<string, string>>;
/** Of a page as the service has it planned, before vacuum has been there. */
let early: readonly Plan[];

/** The oldest grants are an active, a voided and a promised one; all that came later have expired. */
beforeAll(async () => {
  time.now = day(1);
  const grant = async (name: string, more: object = {}) =>
    [name, (await caller.answer('CreateGrant', grantRequest({ name, ...more })))['grant'].id] as const;
  const made = [
    await grant('active'),
    await grant('voided'),
    await grant('promised', { effectiveAt: at(day(90)) }),
    await grant('keyed', { idempotencyKey: 'a key', expiresAt: at(day(1) + 1) }),
    await grant('expired', { expiresAt: at(day(2)) }),
  ];
  names = Object.fromEntries(made);
  await caller.answer('VoidGrant', { customerId: 'ada', grantId: names['voided'] });
  time.now = SINCE - 1;
  await caller.answer('ConsumeCredits', spendRequest({ amount: '1' }));
  time.now = day(3);
  await caller.answer('ConsumeCredits', spendRequest({ amount: '1' }));
  const grantOf = (name: string) => `id = '${uuidOf(names[name]!)}'`;
  await copyRow(sql, 'grants', grantOf('expired'), MANY, { id: LATER_ID });
  const small = { shard: '(k % 64)::smallint', book_id: `k::bigint` };
  const { shard, book_id: id } = small;
  await copyRow(sql, 'books', 'true', SMALL_BOOKS, { shard, id, customer_id: `'other ' || k` });
  await copyRow(sql, 'grants', grantOf('active'), SMALL_BOOKS, { ...small, id: LATER_ID });
  await copyRow(sql, 'writes', 'version = 1', SMALL_BOOKS, small);
  await sql.rows(
    `insert into former_terms
     select (k % 64)::smallint, k % ${SMALL_BOOKS} + 1, md5('grant' || k)::uuid, 3, now(), now(),
            'infinity', '-infinity' from generate_series(1, 20000) k`,
  );
  await sql.rows('analyze grants, books, former_terms, writes');
  await sql.rows('set enable_seqscan = off');
  early = await plansOf('generic', MOMENTS[0]!, FILTERS[0]!);
  await sql.rows('reset enable_seqscan');
  await sql.rows('vacuum (analyze) grants, books, former_terms, writes');
});

const status = (name: string) => ({ statuses: [`GRANT_STATUS_${name}`] });

describe('the first page', () => {
  test.each([
    ['active', status('ACTIVE'), {}],
    ['voided', status('VOIDED'), {}],
    ['promised', status('PENDING'), {}],
    ['keyed', { idempotencyKey: 'a key' }, {}],
    ['active', status('ACTIVE'), { asOf: at(day(60)) }],
    ['promised', status('ACTIVE'), { asOf: at(day(100)), pageSize: 1 }],
    ['active', { ...status('ACTIVE'), knownAt: at(SINCE) }, {}],
    ['voided', status('VOIDED'), { asOf: at(day(2)) }],
    ['promised', status('PENDING'), { asOf: at(day(2)), knownAt: at(SINCE) }],
  ])('has the one that is %s behind 60,000 others: %j %j', async (name, filter, moment) => {
    seen.length = 0;
    const answer = await caller.answer('ListGrants', { customerId: 'ada', ...filter, ...moment });

    expect((answer['grants'] as Json[]).map((grant) => grant['id'])).toEqual([names[name]]);
    expect(seen.length).toBeLessThan(16);
  });
});

test('a page looks at no row of what it does not show', async () => {
  const { grants } = await caller.answer('ListGrants', {
    customerId: 'ada',
    ...status('EXPIRED'),
    pageSize: 1,
  });
  expect(grants).toHaveLength(1);
});

const FILTER: GrantFilter = { statuses: [], currency: null, featureKey: null, actor: null };
const FILTERS: readonly Partial<GrantFilter>[] = [
  ...(['ACTIVE', 'VOIDED', 'PENDING', 'EXPIRED'] as const).map((one) => ({ statuses: [one] })),
  { statuses: ['ACTIVE', 'PENDING'] },
  {},
  { currency: 'EUR' },
];
const MOMENTS: readonly Moment[] = [
  { asOf: null, knownAt: null },
  { asOf: day(60), knownAt: null },
  { asOf: day(2), knownAt: null },
  { asOf: null, knownAt: SINCE },
];

describe.each<Planning>(['custom', 'generic'])('with a %s plan', (planning) => {
  test.each(FILTERS)('%j walks the index of lists, and reads rows only of what may show', async (filter) => {
    for (const moment of MOMENTS) {
      const plans = await plansOf(planning, moment, filter);
      expect(plans.map(({ statement }) => statement)).toEqual(['page_of_grants', 'grant_behind_page']);
      expect(plans[0]!.scans).toContain('grants: Index Only Scan grants_listed');
      for (const { scans, pages } of plans) {
        expect(scans.filter((scan) => /Seq Scan|Bitmap/.test(scan))).toEqual([]);
        // Some sixty entries to a page of the index; each row shown takes four or five more.
        expect(pages).toBeLessThan(MANY / 40 + 51 * 5 + (moment.knownAt === null ? 0 : MANY * 4));
      }
    }
  });
});

test.each<Planning>(['custom', 'generic'])(
  'a page of what nobody made looks at so many grants: a %s plan',
  async (planning) => {
    const plans = await plansOf(planning, MOMENTS[0]!, { actor: 'nobody' });
    for (const { scans, pages } of plans) {
      expect(scans.filter((scan) => /Seq Scan|Bitmap/.test(scan))).toEqual([]);
      // Seven or eight for each: its row, and its write.
      expect(pages).toBeLessThan(40_000);
    }
  },
);

test('where vacuum has not marked the pages of grants a page walks the index all the same', () => {
  expect(early[0]!.scans.filter((scan) => scan.startsWith('grants: Index Only Scan'))).toEqual([
    'grants: Index Only Scan grants_listed',
  ]);
});

async function plansOf(
  planning: Planning,
  moment: Moment,
  filter: Partial<GrantFilter>,
): Promise<readonly Plan[]> {
  const connection = explaining(sql, planning);
  const range = { from: null, to: null, limit: 50 };
  await pageOfGrants(connection, await placed(moment), { ...FILTER, ...filter }, range);
  return connection.plans;
}

async function placed(moment: Moment): Promise<WrittenView> {
  const run = <Row>({ text }: Statement<Row>, params: readonly unknown[] = []) => sql.rows<Row>(text, params);
  const view = await locate({ run }, time.clock, key, moment);
  expect(view.shard).toBe(shardOf(key));
  if (view.bookId === null) throw new Error('the book is there');
  return view;
}
