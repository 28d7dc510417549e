import { beforeAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { call, type Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Pages of one list are all of the moment and of the version of its first, whatever is written meanwhile. */

const { caller, time, url } = await testWorld();

let written = 0;
/** Changes what each list shows: of what is there, and of what is to come. */
async function write(customerId: string): Promise<void> {
  const more = { customerId, name: `grant ${(written += 1)}` };
  await caller.answer('CreateGrant', grantRequest({ ...more, featureKeys: [`f${written}`] }));
  await caller.answer('CreateGrant', grantRequest({ ...more, effectiveAt: at(time.now + day(2)) }));
  await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '1', featureKey: `f${written}` }));
  const late = { customerId, amount: '2', bookedAt: at(time.now - 1_000) };
  await caller.answer('ConsumeCredits', spendRequest({ ...late, ...CREDIT_ONLY }));
}

/** What is there is changed, too: voided, finalized, moved. */
async function change(customerId: string): Promise<void> {
  const { grants } = await caller.answer('ListGrants', { customerId });
  const of = (status: string) =>
    (grants as Json[]).filter((grant) => grant['status'] === `GRANT_STATUS_${status}`);
  await caller.answer('VoidGrant', { customerId, grantId: of('ACTIVE').at(-1)!['id'] });
  await caller.answer('VoidGrant', { customerId, grantId: of('PENDING').at(-1)!['id'] });
  const moved = { grantId: of('PENDING').at(-2)!['id'], effectiveAt: at(time.now + day(9)) };
  await caller.answer('RescheduleGrant', { customerId, ...moved });
}

type List = {
  readonly service: string;
  readonly rpc: string;
  readonly field: string;
  readonly request?: object;
};
const LISTS: readonly List[] = [
  { service: 'credit', rpc: 'ListGrants', field: 'grants' },
  {
    service: 'credit',
    rpc: 'ListGrants',
    field: 'grants',
    request: { statuses: ['GRANT_STATUS_ACTIVE', 'GRANT_STATUS_PENDING'] },
  },
  { service: 'credit', rpc: 'ListTransactions', field: 'transactions' },
  {
    service: 'credit',
    rpc: 'ListTransactions',
    field: 'transactions',
    request: { asOf: at(day(40)) },
  },
  { service: 'credit', rpc: 'ListScheduledGrants', field: 'scheduledGrants' },
  { service: 'ledger', rpc: 'ListTransactions', field: 'transactions' },
  { service: 'ledger', rpc: 'ListEntries', field: 'entries' },
  { service: 'ledger', rpc: 'ListAccounts', field: 'accounts' },
];

async function page({ service, rpc, field, request }: List, more: object): Promise<Json> {
  const method = `${service}.v1.${service === 'credit' ? 'Credit' : 'Ledger'}Service/${rpc}`;
  const outcome = await call(url, method, { ...request, ...more });
  if (!outcome.ok) throw new Error(`${rpc} was refused: ${outcome.error.message}`);
  return { ...outcome.answer, rows: outcome.answer[field] ?? [] };
}

describe.each(LISTS)('$service $rpc $request', (list) => {
  const customerId = JSON.stringify(list).replaceAll(/[^a-zA-Z0-9]/g, '');
  beforeAll(async () => {
    time.now = day(1);
    for (let i = 0; i < 4; i++) await write(customerId);
  });

  test('goes on as its first page was, while the book is written', async () => {
    const first = await page(list, { customerId, pageSize: 3 });
    const { asOf, knownAt, version } = first;
    const { rows: whole } = await page(list, { customerId, pageSize: 1_000 });
    expect(first['nextPageToken']).toBeTruthy();

    const rows = [...first['rows']];
    for (let last = first; (last['nextPageToken'] ?? '') !== '';) {
      // At the same instant, too: the version is pinned, not only when it was recorded.
      time.now += rows.length % 2;
      await write(customerId);
      await change(customerId);
      const pageToken = last['nextPageToken'];
      last = await page(list, { customerId, pageSize: 3, pageToken });
      expect([last['version'], last['knownAt'], last['asOf']]).toEqual([version, knownAt, asOf]);
      rows.push(...last['rows']);
    }
    expect(rows).toEqual(whole);
  });

  test.skipIf(list.rpc === 'ListScheduledGrants')('takes the known_at it was of, and no other', async () => {
    const { nextPageToken: pageToken, knownAt } = await page(list, { customerId, pageSize: 2 });
    const next = await page(list, { customerId, pageToken, pageSize: 2 });

    expect(await page(list, { customerId, pageToken, pageSize: 2, knownAt })).toEqual(next);
    const other = page(list, { customerId, pageToken, pageSize: 2, knownAt: at(Date.parse(knownAt) + 1) });
    await expect(other).rejects.toThrow('page_token: it belongs to a request with other arguments');
  });
});
