import { describe, expect, test } from 'vitest';
import { formatAmount, parseAmount, sumAmounts } from '../../../src/amount.ts';
import { GRID } from '../../support/histories.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { playedBooks } from './played-books.ts';

/** Accounts and sub-accounts as lists tell them, of a customer and of the business, at any instant. */

const books = await playedBooks();
const { caller, time, CUSTOMERS, accountsOf, points } = books;

describe('a customer’s accounts', () => {
  test('each by its id holds what the list says', async () => {
    for (const point of points(6)) {
      for (const { id, ...account } of await accountsOf({ customerId: 'ada', ...point })) {
        if (id === undefined) continue;
        const found = await caller.answer('GetAccount', { customerId: 'ada', accountId: id, ...point });
        expect(found['account']).toEqual({ id, ...account });
      }
    }
  });

  test('come by account type, currency and route, and only those asked for', async () => {
    const accounts = await accountsOf({ customerId: 'ada' });
    const places = accounts.map(({ accountType, currency }) => [accountType, currency]);
    const asked = { customerId: 'ada', accountTypes: ['ACCOUNT_TYPE_BREAKAGE', 'ACCOUNT_TYPE_CUSTOMER_FBO'] };

    expect(new Set(places.map(String)).size).toBeGreaterThan(6);
    expect(places.map(([type]) => type)).toEqual(
      ORDER.flatMap((type) => places.filter(([own]) => own === type).map(([own]) => own)),
    );
    expect(await accountsOf({ ...asked, currency: 'EUR' })).toEqual(
      accounts.filter(
        ({ accountType, currency }) => currency === 'EUR' && asked.accountTypes.includes(accountType),
      ),
    );
  });

  test('are there from their first entry on, and stay at zero', async () => {
    const customerId = 'dan';
    time.now = books.end + GRID;
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10' }));
    const opened = await accountsOf({ customerId });
    const id = opened[0]!['id'];
    time.now += GRID;
    await caller.answer('VoidGrant', { customerId, grantId: grant.id });

    expect(opened.map(({ balance }) => balance)).toEqual(['10', '0', '-10']);
    expect((await accountsOf({ customerId })).map(({ balance }) => balance)).toEqual(['0', '0', '-10', '10']);
    expect(await accountsOf({ customerId, asOf: at(books.end) })).toEqual([]);
    const before = { customerId, accountId: id, asOf: at(books.end) };
    expect((await caller.answer('GetAccount', before))['account'].balance).toBe('0');
    expect(await caller.refusal('GetAccount', { ...before, knownAt: at(books.end) })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'TRANSACTION_NOT_FOUND',
      metadata: { id },
    });
    books.end = time.now;
  });

  test('that a forecast opens have no id yet', async () => {
    const customerId = 'eve';
    time.now = books.end;
    const scheduled = { effectiveAt: at(books.end + GRID), amount: '7' };
    await caller.answer('CreateGrant', grantRequest({ customerId, ...scheduled }));
    const ahead = await accountsOf({ customerId, asOf: at(books.end + GRID) });

    expect(await accountsOf({ customerId })).toEqual([]);
    expect(ahead.map(({ id, balance }) => [id, balance])).toEqual([
      [undefined, '7'],
      [undefined, '0'],
      [undefined, '-7'],
    ]);
  });

  test('of another customer, or of nobody, are not found', async () => {
    const [customerId, other] = CUSTOMERS;
    const [account] = await accountsOf({ customerId });
    const strange = [account!['id'], `acc_${'0'.repeat(32)}`, 'nonsense'];

    for (const accountId of strange) {
      expect(await caller.refusal('GetAccount', { customerId: other, accountId })).toMatchObject({
        reason: 'TRANSACTION_NOT_FOUND',
        metadata: { id: accountId },
      });
    }
    expect(await accountsOf({ customerId: 'nobody' })).toEqual([]);
  });
});

const ORDER = [
  'CUSTOMER_FBO',
  'CUSTOMER_RECEIVABLE',
  'CUSTOMER_ACCRUED',
  'WASH',
  'EARNINGS',
  'BROKERAGE',
  'BREAKAGE',
].map((type) => `ACCOUNT_TYPE_${type}`);

describe('the accounts of a namespace', () => {
  test('are those of the business, each the sum over all books', async () => {
    const BUSINESS = ORDER.slice(3);
    const routeOf = ({ accountType, currency, route }: Json) =>
      JSON.stringify([accountType, currency, route]);
    for (const point of [{}, ...points(12)]) {
      const all = await accountsOf(point);
      const customers = [...CUSTOMERS, 'dan', 'eve'];
      const each = await Promise.all(customers.map((customerId) => accountsOf({ customerId, ...point })));
      const own = each.flat().filter(({ accountType }) => BUSINESS.includes(accountType));
      const sums = [...Map.groupBy(own, routeOf)].map(([key, rows]) => [
        key,
        formatAmount(sumAmounts(rows.map(({ balance }) => parseAmount(balance)))),
      ]);

      expect(Object.fromEntries(all.map((row) => [routeOf(row), row['balance']]))).toEqual(
        Object.fromEntries(sums),
      );
      expect(all.filter(({ id, customerId }) => id !== undefined || customerId !== undefined)).toEqual([]);
    }
  });

  test('are none of a customer’s, whoever asks for them', async () => {
    expect(await accountsOf({ accountTypes: ['ACCOUNT_TYPE_CUSTOMER_FBO'] })).toEqual([]);
    expect(await accountsOf({ namespace: 'empty' })).toEqual([]);
  });
});

describe('a list of accounts in pages', () => {
  const paged = async (request: object, between: () => Promise<unknown>): Promise<readonly Json[]> => {
    const rows: Json[] = [];
    for (let pageToken = ''; ;) {
      const page = await caller.answer('ListAccounts', { ...request, pageSize: 2, pageToken });
      rows.push(...(page['accounts'] ?? []));
      pageToken = page['nextPageToken'] ?? '';
      if (pageToken === '') return rows;
      await between();
    }
  };

  test.each([{ customerId: 'cyd' }, {}])('is the list as it was at its first page: %j', async (request) => {
    time.now = books.end;
    await caller.answer('CreateGrant', grantRequest({ customerId: 'cyd', amount: '1000' }));
    const whole = await accountsOf(request);
    const spent = async () => {
      time.now += 1_000;
      const spend = spendRequest({
        customerId: 'cyd',
        amount: '1',
        featureKey: `f${time.now}`,
        ...CREDIT_ONLY,
      });
      await caller.answer('ConsumeCredits', spend);
    };

    expect(whole.length).toBeGreaterThan(4);
    expect(await paged(request, spent)).toEqual(whole);
    books.end = time.now;
  });

  test('refuses a token of another list', async () => {
    const { nextPageToken: pageToken } = await caller.answer('ListAccounts', {
      customerId: 'cyd',
      pageSize: 1,
    });

    for (const other of [{ customerId: 'ada' }, { customerId: 'cyd', currency: 'USD' }, {}]) {
      expect((await caller.refusal('ListAccounts', { ...other, pageToken })).reason).toBe(
        'PAGE_TOKEN_MISMATCH',
      );
    }
  });
});
