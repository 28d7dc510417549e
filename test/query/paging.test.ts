import { beforeAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Every list: its pages together are the whole, no row comes twice, and a token is good for its question alone. */

const { caller, time } = await testWorld();
const NAMESPACE = 'paged';
const OTHERS = ['bob', 'cyd'];

/** Ada's grants: of two currencies, with and without feature keys, several scheduled for one and the same instant. */
const grants = Array.from({ length: 17 }, (_, i) =>
  grantRequest({
    namespace: NAMESPACE,
    amount: String(i + 1),
    currency: i % 4 === 0 ? 'EUR' : 'USD',
    featureKeys: i % 3 === 0 ? ['a'] : [],
    idempotencyKey: `key ${i}`,
    ...(i % 2 === 1 && { effectiveAt: at(day(2 + (i % 5))) }),
  }),
);

beforeAll(async () => {
  time.now = day(1);
  for (const [i, grant] of grants.entries()) {
    time.now += i % 3;
    await caller.answer('CreateGrant', grant);
    for (const customerId of OTHERS) await caller.answer('CreateGrant', { ...grant, customerId });
  }
  for (let i = 0; i < 9; i++) await spend();
  for (const code of ['TOKENS', 'CALLS', 'PAGES', 'AREA', 'ZEAL', 'MINUTES', 'SEATS']) await registered(code);
});

const spend = () => caller.answer('ConsumeCredits', spendRequest({ namespace: NAMESPACE, amount: '1' }));
const registered = (code: string) =>
  caller.answer('CreateCurrency', { namespace: NAMESPACE, code, name: code.toLowerCase(), precision: 2 });
const granted = (more: object = {}) =>
  caller.answer('CreateGrant', grantRequest({ namespace: NAMESPACE, amount: '1000', ...more }));

type List = {
  readonly list: string;
  readonly rpc: string;
  readonly field: string;
  readonly request: object;
  readonly idOf: (row: Json) => string;
  /** Adds rows to it while somebody pages. */
  readonly grow: () => Promise<unknown>;
  /** Arguments that make it another question. */
  readonly others: readonly object[];
};

const LISTS: readonly List[] = [
  {
    list: 'ListGrants',
    rpc: 'ListGrants',
    field: 'grants',
    request: {},
    idOf: (row) => row['id'],
    grow: () => granted(),
    others: [
      { customerId: 'bob' },
      { currency: 'USD' },
      { statuses: ['GRANT_STATUS_ACTIVE'] },
      { asOf: at(day(9)) },
    ],
  },
  {
    list: 'ListGrants with filters',
    rpc: 'ListGrants',
    field: 'grants',
    idOf: (row) => row['id'],
    request: {
      currency: 'USD',
      statuses: ['GRANT_STATUS_PENDING', 'GRANT_STATUS_EXPIRED'],
      asOf: at(day(2)),
    },
    grow: () => granted({ effectiveAt: at(day(8)) }),
    others: [
      { currency: 'EUR' },
      { asOf: at(day(5)) },
      { statuses: ['GRANT_STATUS_PENDING'] },
      { featureKey: 'a' },
    ],
  },
  {
    list: 'ListScheduledGrants of a customer',
    rpc: 'ListScheduledGrants',
    field: 'scheduledGrants',
    request: {},
    idOf: (row) => row['grantId'],
    grow: () => granted({ effectiveAt: at(day(9)) }),
    others: [
      { customerId: 'bob' },
      { customerId: '' },
      { to: at(day(20)) },
      { featureFilter: { featureKey: 'a' } },
    ],
  },
  {
    list: 'ListScheduledGrants of a namespace',
    rpc: 'ListScheduledGrants',
    field: 'scheduledGrants',
    request: { customerId: '', from: at(day(3)) },
    idOf: (row) => row['grantId'],
    grow: () => granted({ customerId: 'bob', effectiveAt: at(day(9)) }),
    others: [{ customerId: 'ada' }, { from: at(day(1)) }, { currency: 'USD' }, { namespace: 'default' }],
  },
  {
    list: 'ListCurrencies',
    rpc: 'ListCurrencies',
    field: 'currencies',
    idOf: (row) => row['code'],
    request: { customerId: undefined },
    grow: () => registered(`ZZ_${(grown += 1)}`),
    others: [{ namespace: 'default' }],
  },
  {
    list: 'ListTransactions',
    rpc: 'ListTransactions',
    field: 'transactions',
    idOf: (row) => row['id'],
    request: {},
    grow: spend,
    others: [{ customerId: 'bob' }, { namespace: 'default' }, { knownAt: at(day(9)) }],
  },
  {
    list: 'ListEntries',
    rpc: 'ListEntries',
    field: 'entries',
    idOf: (row) => row['id'],
    request: {},
    grow: spend,
    others: [{ customerId: 'bob' }, { namespace: 'default' }, { knownAt: at(day(9)) }],
  },
];
let grown = 0;

/** A page: the ids of its rows, and the token of the next. */
async function pageOf(
  { rpc, field, request, idOf }: List,
  more: object,
): Promise<{ ids: readonly string[]; next: string }> {
  const answer = await caller.answer(rpc, { namespace: NAMESPACE, customerId: 'ada', ...request, ...more });
  return { ids: ((answer[field] ?? []) as Json[]).map(idOf), next: answer['nextPageToken'] ?? '' };
}

/** All pages from a token on; between two of them something may happen. */
async function rest(
  list: List,
  pageSize: number,
  pageToken = '',
  between = async () => {},
): Promise<readonly string[]> {
  const { ids, next } = await pageOf(list, { pageSize, pageToken });
  if (next === '') return ids;
  await between();
  return [...ids, ...(await rest(list, pageSize, next, between))];
}

describe.each(LISTS)('$list', (list) => {
  test.each([2, 7])('comes in pages of %i that are the whole list in its order', async (pageSize) => {
    const whole = await pageOf(list, { pageSize: 1_000 });

    expect(whole.next).toBe('');
    expect(whole.ids.length).toBeGreaterThan(3);
    expect(await rest(list, pageSize)).toEqual(whole.ids);
  });

  test('has no further page when the last is full', async () => {
    const { ids } = await pageOf(list, { pageSize: 1_000 });

    expect(await pageOf(list, { pageSize: ids.length })).toEqual({ ids, next: '' });
  });

  test('misses none and repeats none of what was there while new rows arrive between pages', async () => {
    const { ids: before } = await pageOf(list, { pageSize: 1_000 });
    const paged = await rest(list, 5, '', async () => {
      await list.grow();
    });

    expect(new Set(paged).size).toBe(paged.length);
    expect(paged.filter((id) => before.includes(id))).toEqual(before);
  });

  test.each(list.others)('refuses its token with other arguments: %j', async (other) => {
    const { next } = await pageOf(list, { pageSize: 2 });
    const request = { namespace: NAMESPACE, customerId: 'ada', ...list.request, ...other };

    expect(await caller.refusal(list.rpc, { ...request, pageSize: 2, pageToken: next })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'PAGE_TOKEN_MISMATCH',
      metadata: { field: 'page_token' },
    });
  });

  test('refuses a token that was altered', async () => {
    const { next } = await pageOf(list, { pageSize: 2 });
    const altered = Buffer.from(next, 'base64url');
    altered[altered.length - 3]! ^= 1;
    const request = { namespace: NAMESPACE, customerId: 'ada', ...list.request };

    for (const pageToken of [altered.toString('base64url'), next.slice(0, 5), 'nonsense']) {
      expect((await caller.refusal(list.rpc, { ...request, pageToken })).reason).toBe('PAGE_TOKEN_MISMATCH');
    }
  });

  test('takes its token with another page size', async () => {
    const { ids } = await pageOf(list, { pageSize: 1_000 });
    const first = await pageOf(list, { pageSize: 2 });
    const second = await pageOf(list, { pageSize: 3, pageToken: first.next });

    expect([...first.ids, ...second.ids]).toEqual(ids.slice(0, 5));
  });
});

describe('what is scheduled', () => {
  test('is paged as it stood at the first page: what takes effect in between is not missed', async () => {
    const list = LISTS.find((one) => one.list === 'ListScheduledGrants of a customer')!;
    const { ids: before } = await pageOf(list, { pageSize: 1_000 });
    const paged = await rest(list, 2, '', async () => {
      time.now += 12 * 3_600_000;
    });
    time.now = day(1);

    expect(paged).toEqual(before);
  });
});

describe('a page of grants', () => {
  test('holds 50 when no size is asked for, and never more than 1,000', async () => {
    const customerId = 'rich';
    const requests = Array.from({ length: 1_000 }, () => grantRequest({ customerId }));
    await caller.answer('BatchCreateGrants', { requests });
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    const sizeOf = async (pageSize?: number) =>
      (await caller.answer('ListGrants', { customerId, pageSize }))['grants'].length;

    expect([await sizeOf(), await sizeOf(0), await sizeOf(5_000)]).toEqual([50, 50, 1_000]);
  });

  test('has the newest first', async () => {
    const { grants: page } = await caller.answer('ListGrants', { namespace: NAMESPACE, customerId: 'cyd' });

    const amounts = (page as Json[]).map(({ amount }) => Number(amount));
    expect(amounts).toEqual(amounts.toSorted((a, b) => b - a));
  });
});
