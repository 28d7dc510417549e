import { beforeAll, describe, expect, test } from 'vitest';
import { formatAmount, parseAmount, sumAmounts } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { GRID, START } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { longHistories, playThrough } from '../../support/played.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { testWorld } from '../../support/world.ts';

/** Accounts and sub-accounts with what they hold, of a customer and of the business, at any instant. */

const { caller, sql, time } = await testWorld();
const CUSTOMERS = ['ada', neighbour('ada', 1), 'cyd'];
let end: Instant;

beforeAll(async () => {
  for (const [i, steps] of longHistories(3, 20_260_402).entries()) {
    time.now = START;
    await playThrough(caller, time, steps, CUSTOMERS[i]!);
    end = Math.max(end ?? START, time.now);
  }
  time.now = end;
});

const accountsOf = async (request: object): Promise<readonly Json[]> =>
  (await caller.answer('ListAccounts', { pageSize: 1_000, ...request }))['accounts'] ?? [];

/** The filters of GetAccountBalance that only this account of the list meets. */
const filtersOf = ({ accountType, currency, route }: Json): object => ({
  accountType,
  currency,
  stage: route.stage,
  priority: route.priority,
  featureKeys: { keys: route.featureKeys ?? [] },
  ...(route.costBasis === undefined ? { costBasisKnown: false } : { costBasis: route.costBasis }),
});

/** A part of a route, as GetAccountBalance asks for it, and what meets it. */
type Part = { readonly asked: object; readonly matches: (route: Json) => boolean };

const valued = (field: string, value: unknown): Part => ({
  asked: value === undefined ? {} : { [field]: value },
  matches: (route) => value === undefined || route[field] === value,
});

const PARTS: readonly ((route: Json) => Part)[] = [
  ({ stage }) => valued('stage', stage),
  ({ costBasis }) => valued('costBasis', costBasis),
  ({ priority }) => valued('priority', priority),
  ({ costBasis }) => ({
    asked: { costBasisKnown: costBasis !== undefined },
    matches: (route) => (route['costBasis'] !== undefined) === (costBasis !== undefined),
  }),
  ({ tax }) => ({
    asked: { taxCode: tax?.code },
    matches: (route) => tax === undefined || route['tax']?.code === tax.code,
  }),
  ({ featureKeys = [] }) => ({
    asked: { featureKeys: { keys: featureKeys } },
    matches: (route) => String(route['featureKeys'] ?? []) === String(featureKeys),
  }),
];

/** A neighbour of them whose grants and charges are taxed, one way or the other, some in advance of its credit. */
async function taxed(): Promise<string> {
  const customerId = neighbour('ada', 2);
  time.now = end;
  for (const [i, code] of ['VAT', 'GST', 'VAT'].entries()) {
    const of = { customerId, tax: { code }, amount: '5' };
    const { charge } = await caller.answer('CreateCharge', {
      ...spendRequest({ ...of, ...CREDIT_ONLY }),
      type: 'CHARGE_TYPE_FLAT_FEE',
    });
    for (const amount of ['2', '3']) {
      time.now += GRID;
      await caller.answer('CollectCharge', { customerId, chargeId: charge.id, amount });
    }
    await caller.answer('CreateGrant', grantRequest({ ...of, amount: '9', priority: 1 + i }));
    await caller.answer('CorrectCharge', { customerId, chargeId: charge.id, amount: '1' });
  }
  end = time.now;
  return customerId;
}

/** Points of both axes, in steps that meet on no common grid. */
const points = (count: number): readonly { readonly asOf: string; readonly knownAt: string }[] =>
  Array.from({ length: count }, (_, i) => ({
    asOf: at(START + ((i * 7_919 * 3_571) % (end - START + 20 * GRID))),
    knownAt: at(START + ((i * 104_729 * 1_009) % (end - START + 5 * GRID))),
  }));

describe('a customer’s accounts', () => {
  test('hold what GetAccountBalance answers for their routes', async () => {
    let rows = 0;
    for (const point of [{}, ...points(12)]) {
      for (const customerId of CUSTOMERS) {
        const accounts = await accountsOf({ customerId, ...point });
        const balances = await Promise.all(
          accounts.map((account) =>
            caller.answer('GetAccountBalance', { customerId, ...filtersOf(account), ...point }),
          ),
        );
        expect(accounts.map(({ balance }) => balance)).toEqual(balances.map(({ amount }) => amount));
        rows += accounts.length;
      }
    }
    expect(rows).toBeGreaterThan(300);
  });

  test('hold the sum of their entries at a past instant, as known at a past instant', async () => {
    for (const { asOf, knownAt } of points(30)) {
      const customerId = CUSTOMERS[0]!;
      const [clock] = await sql.rows<{ at: Instant }>(
        `select max(w.recorded_at) as at from writes w join books b on b.id = w.book_id
         where b.customer_id = $1 and w.recorded_at <= $2`,
        [customerId, knownAt],
      );
      // What lies behind the last write known is not in the journal yet.
      if (clock!.at === null || Date.parse(asOf) >= clock!.at) continue;
      const summed = await sql.rows<{ id: string; amount: bigint }>(
        `select 'acc_' || replace(s.id::text, '-', '') as id, sum(e.amount) as amount
         from entries e
         join books b on b.id = e.book_id
         join sub_accounts s on s.book_id = e.book_id and s.ordinal = e.sub_account
         join writes w on w.book_id = e.book_id and w.version = e.version
         where b.customer_id = $1 and e.booked_at <= $2 and w.recorded_at <= $3 group by s.id`,
        [customerId, asOf, knownAt],
      );
      const listed = await accountsOf({ customerId, asOf, knownAt });

      expect(Object.fromEntries(listed.map(({ id, balance }) => [id, balance]))).toEqual(
        Object.fromEntries(summed.map(({ id, amount }) => [id, formatAmount(amount)])),
      );
    }
  });

  test('hold of one grant, of one charge and of both what their entries add up to', async () => {
    const customerId = CUSTOMERS[0]!;
    const accounts = await accountsOf({ customerId });
    const { entries } = (await caller.answer('ListEntries', { customerId, pageSize: 1_000 })) as {
      entries: readonly Json[];
    };
    const subjects = new Set(entries.map(({ grantId, chargeId }) => JSON.stringify({ grantId, chargeId })));
    const named = [...subjects].map((text) => JSON.parse(text) as { grantId?: string; chargeId?: string });
    const both = named.filter(({ grantId, chargeId }) => grantId !== undefined && chargeId !== undefined);
    const asked = [
      ...both.slice(0, 4),
      ...both.slice(0, 4).flatMap(({ grantId, chargeId }) => [{ grantId }, { chargeId }]),
      ...named.filter(({ grantId, chargeId }) => grantId !== undefined && chargeId === undefined).slice(-3),
    ];

    expect(both.length).toBeGreaterThan(3);
    for (const subject of asked) {
      for (const account of accounts) {
        const own = entries.filter(
          (entry) =>
            entry['accountId'] === account['id'] &&
            Object.entries(subject).every(([field, id]) => entry[field] === id),
        );
        const question = { customerId, ...subject, ...filtersOf(account) };
        const { amount } = await caller.answer('GetAccountBalance', question);
        const sum = sumAmounts(own.map((entry) => parseAmount(entry['amount'])));
        expect(amount, JSON.stringify(question)).toBe(formatAmount(sum));
      }
    }
  });

  test('of a grant or charge hold what its entries add up to, by any part of a route, at any point', async () => {
    let nonZero = 0;
    for (const customerId of [CUSTOMERS[0]!, CUSTOMERS[1]!, await taxed()]) {
      const { entries } = (await caller.answer('ListEntries', { customerId, pageSize: 1_000 })) as {
        entries: readonly Json[];
      };
      for (let i = 0; i < 150; i += 1) {
        const entry = entries[(i * 7_919) % entries.length]!;
        const { grantId, chargeId, accountType, currency } = entry;
        const subject = [{ grantId }, { chargeId }, { grantId, chargeId }][i % 3]!;
        if (Object.values(subject).includes(undefined)) continue;
        const like = entries.filter((other) => other['accountType'] === accountType);
        const part = PARTS[i % PARTS.length]!(like[(i * 31) % like.length]!['route']);
        const known = entries.filter(({ version }) => Number(version) >= Number(entry['version']));
        const knownAt = known[(i * 17) % known.length]!['recordedAt'];
        const past = entries.filter(({ bookedAt }) => bookedAt <= knownAt);
        const asOf = past[(i * 13) % past.length]!['bookedAt'];
        const own = past
          .filter((other) => Object.entries(subject).every(([field, id]) => other[field] === id))
          .filter((other) => other['accountType'] === accountType && other['currency'] === currency)
          .filter(({ bookedAt, recordedAt }) => bookedAt <= asOf && recordedAt <= knownAt)
          .filter(({ route }) => part.matches(route));
        const sum = formatAmount(sumAmounts(own.map(({ amount }) => parseAmount(amount))));
        const question = { customerId, ...subject, accountType, currency, ...part.asked, asOf, knownAt };
        const { amount } = await caller.answer('GetAccountBalance', question);
        expect(amount, JSON.stringify(question)).toBe(sum);
        nonZero += sum === '0' ? 0 : 1;
      }
    }
    expect(nonZero).toBeGreaterThan(60);
  });

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
    time.now = end + GRID;
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId, amount: '10' }));
    const opened = await accountsOf({ customerId });
    const id = opened[0]!['id'];
    time.now += GRID;
    await caller.answer('VoidGrant', { customerId, grantId: grant.id });

    expect(opened.map(({ balance }) => balance)).toEqual(['10', '0', '-10']);
    expect((await accountsOf({ customerId })).map(({ balance }) => balance)).toEqual(['0', '0', '-10', '10']);
    expect(await accountsOf({ customerId, asOf: at(end) })).toEqual([]);
    const before = { customerId, accountId: id, asOf: at(end) };
    expect((await caller.answer('GetAccount', before))['account'].balance).toBe('0');
    expect(await caller.refusal('GetAccount', { ...before, knownAt: at(end) })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'TRANSACTION_NOT_FOUND',
      metadata: { id },
    });
    end = time.now;
  });

  test('that a forecast opens have no id yet', async () => {
    const customerId = 'eve';
    time.now = end;
    const scheduled = { effectiveAt: at(end + GRID), amount: '7' };
    await caller.answer('CreateGrant', grantRequest({ customerId, ...scheduled }));
    const ahead = await accountsOf({ customerId, asOf: at(end + GRID) });

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
      const customers = [...CUSTOMERS, neighbour('ada', 2), 'dan', 'eve'];
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
    time.now = end;
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
    end = time.now;
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
