import { beforeAll, describe, expect, test } from 'vitest';
import type { Instant } from '../../../src/instant.ts';
import { actingInTurn, BY_ACTOR } from '../../support/acting.ts';
import { having, pairsOf, type Filter } from '../../support/filters.ts';
import { GRID, START } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { longHistories, playThrough } from '../../support/played.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import { call, type Json } from '../../support/service.ts';
import { testWorld } from '../../support/world.ts';

/** The raw journal: every filter shows what filtering the whole list would leave, in pages or at once. */

const { caller, time, url } = await testWorld();
const acting = actingInTurn({ url });
const CUSTOMERS = ['ada', neighbour('ada', 1)];
let end: Instant;

beforeAll(async () => {
  for (const [i, steps] of longHistories(2, 20_260_406).entries()) {
    const customerId = CUSTOMERS[i]!;
    time.now = START;
    await playThrough(acting, time, steps, customerId);
    await byHand(customerId);
    end = Math.max(end ?? START, time.now);
  }
  time.now = end;
});

/** Postings by hand and a reversal, revenue, and some writes with keys; one of them changes nothing. */
async function byHand(customerId: string): Promise<void> {
  const entries = [
    { accountType: 'ACCOUNT_TYPE_WASH', currency: 'USD', amount: '-5' },
    { accountType: 'ACCOUNT_TYPE_BROKERAGE', currency: 'USD', amount: '5' },
  ];
  const post = { customerId, entries, reason: 'a fee' };
  const { transaction } = await caller.answer('PostTransaction', { ...post, idempotencyKey: 'fee' });
  await caller.answer('PostTransaction', { ...post, bookedAt: at(START + GRID) });
  await caller.answer('ReverseTransaction', { customerId, transactionId: transaction.id });
  await caller.answer('CreateGrant', grantRequest({ customerId, idempotencyKey: 'grant' }));
  const spend = spendRequest({ customerId, amount: '150', ...CREDIT_ONLY });
  await caller.answer('ConsumeCredits', { ...spend, idempotencyKey: 'spend' });
  await caller.answer('RecognizeRevenue', { customerId, currency: 'USD', idempotencyKey: 'revenue' });
  await caller.answer('RecognizeRevenue', { customerId, currency: 'USD', idempotencyKey: 'nothing left' });
}

type List = { readonly rpc: string; readonly field: string };
const TRANSACTIONS: List = { rpc: 'ListTransactions', field: 'transactions' };
const ENTRIES: List = { rpc: 'ListEntries', field: 'entries' };

async function pages({ rpc, field }: List, request: object, pageSize: number): Promise<readonly Json[]> {
  const rows: Json[] = [];
  for (let pageToken = ''; ;) {
    const page = await caller.answer(rpc, { ...request, pageSize, pageToken });
    expect((page[field] ?? []).length).toBeLessThanOrEqual(pageSize);
    rows.push(...(page[field] ?? []));
    pageToken = page['nextPageToken'] ?? '';
    if (pageToken === '') return rows;
  }
}

const instantOf = (text: string): Instant => Date.parse(text);

/** Windows between instants at which something is booked, and open on either side. */
function windowsOf(rows: readonly Json[]): readonly Filter[] {
  const instants = [...new Set(rows.map(({ bookedAt }) => instantOf(bookedAt)))].toSorted((a, b) => a - b);
  const nth = (part: number): Instant => instants[Math.floor(part * (instants.length - 1))]!;
  const between = (from: Instant | null, to: Instant | null): Filter => ({
    asked: { ...(from !== null && { bookedFrom: at(from) }), ...(to !== null && { bookedTo: at(to) }) },
    shows: ({ bookedAt }) =>
      (from === null || instantOf(bookedAt) >= from) && (to === null || instantOf(bookedAt) < to),
  });
  const parts = [0, 0.2, 0.4, 0.5, 0.6, 0.8].map(nth);
  return [
    ...parts.flatMap((from, i) => parts.slice(i + 1).map((to) => between(from, to))),
    ...parts.slice(1, 4).flatMap((one) => [between(one, null), between(null, one)]),
  ];
}

/** What was known when this was recorded, and that. */
const earlierIn = (rows: readonly Json[]): readonly Filter[] =>
  [0.3, 0.5, 0.7].map((part) => {
    const known = instantOf(rows[Math.floor(part * rows.length)]!['recordedAt']);
    return {
      asked: { knownAt: at(known) },
      shows: ({ recordedAt }: Json) => instantOf(recordedAt) <= known,
    };
  });

const everyNth = <T>(all: Iterable<T>, n: number): readonly T[] => [...all].filter((_, i) => i % n === 0);

/** Each value of a field that some row has, as a filter on it. */
const valuesOf = (rows: readonly Json[], field: string): ReadonlySet<string> =>
  new Set(rows.flatMap((row) => (row[field] === undefined ? [] : [row[field]])));

/** Compares pages under each filter with what it leaves of the whole; answers how many rows were shown. */
async function expectFiltered(list: List, customerId: string, filters: readonly Filter[]): Promise<number> {
  const whole = await pages(list, { customerId }, 1_000);
  let shown = 0;
  for (const { asked, shows } of filters) {
    const expected = whole.filter(shows);
    for (const pageSize of [expected.length < 20 ? 1 : 8, 1_000]) {
      expect(await pages(list, { customerId, ...asked }, pageSize), JSON.stringify(asked)).toEqual(expected);
    }
    shown += expected.length;
  }
  expect(shown).toBeGreaterThanOrEqual(filters.length);
  return shown;
}

describe.each(CUSTOMERS)('filters show what filtering the whole journal of %s would', (customerId) => {
  test('of transactions, by kind, group, grant, charge, key, instant, actor and any two of them', async () => {
    const whole = await pages(TRANSACTIONS, { customerId }, 1_000);
    const entries = whole.flatMap((row) => row['entries'] as Json[]);
    const naming = (field: string, id: string): Filter => ({
      asked: { [field]: id },
      shows: (row) => row['entries'].some((entry: Json) => entry[field] === id),
    });
    const kinds = [...valuesOf(whole, 'kind')].map((kind): Filter => ({
      asked: { kinds: [kind] },
      shows: (row) => row['kind'] === kind,
    }));
    const grants = everyNth(valuesOf(entries, 'grantId'), 4).map((id) => naming('grantId', id));
    const charges = everyNth(valuesOf(entries, 'chargeId'), 4).map((id) => naming('chargeId', id));
    const groups = everyNth(valuesOf(whole, 'groupId'), 9).map((id) => having('groupId', id));
    const keys = ['grant', 'spend', 'fee', 'revenue', 'nothing left', 'nobody’s'].map((key) =>
      having('idempotencyKey', key),
    );

    expect(kinds.length).toBeGreaterThan(8);
    const windows = windowsOf(whole);
    const ways = [kinds, grants, charges, groups, keys, windows, earlierIn(whole), BY_ACTOR];
    await expectFiltered(TRANSACTIONS, customerId, ways.flat());
    await expectFiltered(TRANSACTIONS, customerId, pairsOf(whole, ways, 2));
    // What is told late lies beyond the versions that a window names.
    for (const one of [grants, charges])
      await expectFiltered(TRANSACTIONS, customerId, pairsOf(whole, [one, windows], 5));
    const named = pairsOf(whole, [grants, charges], 5);
    await expectFiltered(TRANSACTIONS, customerId, pairsOf(whole, [named, kinds, windows], 2));
  });

  test('of entries, by transaction, sub-account, account, currency, grant, charge, instant, actor and any two', async () => {
    const whole = await pages(ENTRIES, { customerId }, 1_000);
    const values = (field: string, n: number) =>
      everyNth(valuesOf(whole, field), n).map((value) => having(field, value));
    const types = [...valuesOf(whole, 'accountType')].map((type): Filter => ({
      asked: { accountTypes: [type] },
      shows: (row) => row['accountType'] === type,
    }));
    const accounts = values('accountId', 1);
    const currencies = values('currency', 1);
    const grants = values('grantId', 4);
    const charges = values('chargeId', 4);

    expect([types.length, accounts.length > 10, currencies.length]).toEqual([7, true, 2]);
    const windows = windowsOf(whole);
    const ways = [
      types,
      accounts,
      currencies,
      grants,
      charges,
      values('transactionId', 3),
      windows,
      earlierIn(whole),
      BY_ACTOR,
    ];
    await expectFiltered(ENTRIES, customerId, ways.flat());
    await expectFiltered(ENTRIES, customerId, pairsOf(whole, ways, 2));
    for (const one of [grants, charges])
      await expectFiltered(ENTRIES, customerId, pairsOf(whole, [one, windows], 5));
    const named = pairsOf(whole, [grants, charges], 5);
    await expectFiltered(ENTRIES, customerId, pairsOf(whole, [named, types, windows], 2));
  });
});

describe('the links of the journal', () => {
  test('lead from each transaction to itself', async () => {
    const whole = await pages(TRANSACTIONS, { customerId: 'ada' }, 1_000);
    for (const row of everyNth(whole, 7)) {
      const found = await caller.answer('GetTransaction', { customerId: 'ada', transactionId: row['id'] });
      expect(found['transaction']).toEqual(row);
    }
  });

  test('group all that one write led to, under the id of its first transaction', async () => {
    const whole = await pages(TRANSACTIONS, { customerId: 'ada' }, 1_000);
    const groups = Map.groupBy(whole, (row) => row['groupId'] as string);

    expect(new Set(whole.map(({ version }) => version)).size).toBe(groups.size);
    for (const [groupId, rows] of groups) {
      expect(new Set(rows.map(({ version }) => version)).size).toBe(1);
      expect(rows[0]).toMatchObject({ id: groupId, position: 1 });
    }
    expect([...groups.values()].some((rows) => rows.length > 2)).toBe(true);
  });

  test('lead from each entry of a correction to the one it takes back', async () => {
    const whole = await pages(TRANSACTIONS, { customerId: 'ada' }, 1_000);
    const entries = new Map(
      whole.flatMap((row) => (row['entries'] as Json[]).map((entry) => [entry['id'] as string, entry])),
    );
    const corrections = whole.filter(({ kind }) => kind === 'TRANSACTION_KIND_CORRECT');
    const links = corrections
      .flatMap((row) => row['entries'] as Json[])
      .filter((entry) => entry['reversedEntryId'] !== undefined);

    expect(links.length).toBeGreaterThan(5);
    for (const link of links) {
      const reversed = entries.get(link['reversedEntryId'])!;
      expect([reversed['accountId'], Math.sign(reversed['amount'])]).toEqual([
        link['accountId'],
        -Math.sign(link['amount']),
      ]);
    }
  });

  test('name only transactions of the customer’s own', async () => {
    const { transactions } = await caller.answer('ListTransactions', { customerId: 'ada', pageSize: 1 });
    const { id } = transactions[0];

    for (const transactionId of [id, `txn_${'0'.repeat(32)}`, 'nonsense']) {
      expect(
        await caller.refusal('GetTransaction', { customerId: CUSTOMERS[1], transactionId }),
      ).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'TRANSACTION_NOT_FOUND',
        metadata: { id: transactionId },
      });
    }
  });

  const none = (prefix: string) => `${prefix}_${'0'.repeat(32)}`;
  const SUM = { currency: 'USD', accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO' };
  test.each([
    ['ListTransactions', {}, 'groupId', 'txn', 'TRANSACTION_NOT_FOUND'],
    ['ListTransactions', {}, 'grantId', 'grt', 'GRANT_NOT_FOUND'],
    ['ListTransactions', {}, 'chargeId', 'chg', 'CHARGE_NOT_FOUND'],
    ['ListEntries', {}, 'transactionId', 'txn', 'TRANSACTION_NOT_FOUND'],
    ['ListEntries', {}, 'accountId', 'acc', 'TRANSACTION_NOT_FOUND'],
    ['ListEntries', {}, 'grantId', 'grt', 'GRANT_NOT_FOUND'],
    ['ListEntries', {}, 'chargeId', 'chg', 'CHARGE_NOT_FOUND'],
    ['GetAccountBalance', SUM, 'grantId', 'grt', 'GRANT_NOT_FOUND'],
    ['GetAccountBalance', SUM, 'chargeId', 'chg', 'CHARGE_NOT_FOUND'],
  ])('%s refuses %j with a %s that is none of the customer’s', async (rpc, more, field, prefix, reason) => {
    const ask = (customerId: string, id: string) =>
      call(url, `ledger.v1.LedgerService/${rpc}`, { customerId, ...more, [field]: id });
    for (const id of [none(prefix), 'nonsense']) {
      expect(await ask('ada', id)).toMatchObject({
        ok: false,
        error: { code: 'NOT_FOUND', reason, metadata: { id } },
      });
    }
    // A customer nobody has written about has nothing, and that is no error.
    expect((await ask('nobody', none(prefix))).ok).toBe(true);
  });

  test('an account of another customer, or not known yet, is found by neither', async () => {
    const { entries } = await caller.answer('ListEntries', { customerId: 'ada', pageSize: 1 });
    const { accountId, recordedAt } = entries[0];
    await caller.answer('CreateGrant', grantRequest({ customerId: neighbour('ada', 2) }));
    const before = { customerId: 'ada', accountId, knownAt: at(Date.parse(recordedAt) - 1) };

    for (const rpc of ['GetAccount', 'ListEntries']) {
      for (const asked of [{ customerId: neighbour('ada', 2), accountId }, before]) {
        expect((await caller.refusal(rpc, asked)).reason).toBe('TRANSACTION_NOT_FOUND');
      }
    }
  });

  test('a currency there is not is refused', async () => {
    expect((await caller.refusal('ListEntries', { customerId: 'ada', currency: 'NONE_SUCH' })).reason).toBe(
      'UNKNOWN_CURRENCY',
    );
  });
});
