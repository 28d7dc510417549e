import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import type { Statement } from '../../src/db/database.ts';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** What the service asks of the database: which tables an answer touches, and how many statements it takes. */

const seen: Statement<unknown>[] = [];
// Nothing is kept in memory, so every answer asks for all it needs; book-cache.test.ts is about the others.
const { caller, time } = await testWorld({ keptFacts: 0, onStatement: (one) => seen.push(one) });

/** The statements an action runs, but those that begin a transaction. */
async function statementsOf(action: () => Promise<unknown>): Promise<readonly Statement<unknown>[]> {
  seen.length = 0;
  await action();
  return seen.filter(({ name }) => !name.startsWith('begin'));
}

const TABLES = [
  'books',
  'writes',
  'grants',
  'charges',
  'advances',
  'allocations',
  'scheduled_grants',
  'sub_accounts',
  'transactions',
  'entries',
  'currencies',
];
/** The tables that are named in a text of SQL. */
const tablesIn = ({ text }: Statement<unknown>): readonly string[] =>
  TABLES.filter((table) => new RegExp(`\\b(from|join|into|update)\\s+${table}\\b`).test(text));
const tablesOf = (statements: readonly Statement<unknown>[]): readonly string[] =>
  [...new Set(statements.flatMap(tablesIn))].toSorted((a, b) => (a < b ? -1 : 1));

/** A customer with something of everything: credit, a promise, a debt, and a past. */
async function someone(customerId: string): Promise<void> {
  time.now = day(1);
  const request = (more: object) => grantRequest({ customerId, ...more });
  await caller.answer('CreateGrant', request({ amount: '10' }));
  time.now += 1_000;
  await caller.answer('CreateGrant', request({ amount: '5', effectiveAt: at(day(3)) }));
  await caller.answer('CreateGrant', request({ amount: '4', expiresAt: at(day(2)) }));
  time.now += 1_000;
  await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '20', ...CREDIT_ONLY }));
  time.now = day(2);
}

const MOMENTS: Readonly<Record<string, () => object>> = {
  now: () => ({}),
  'in the future': () => ({ asOf: at(day(9)) }),
  'in the past': () => ({ asOf: at(day(1) + 500) }),
  'as known in the past': () => ({ knownAt: at(day(1) + 1_500) }),
  'in the past, as known in the past': () => ({ asOf: at(day(1) + 500), knownAt: at(day(1) + 1_500) }),
};

describe.each(Object.entries(MOMENTS))('a balance %s', (moment, asked) => {
  test('of settled credit never touches the scheduled-grant index', async () => {
    await someone(`settled ${moment}`);
    const statements = await statementsOf(() =>
      caller.answer('GetBalance', {
        customerId: `settled ${moment}`,
        parts: ['BALANCE_PART_SETTLED'],
        ...asked(),
      }),
    );

    expect(tablesOf(statements)).toContain('books');
    expect(statements.length).toBeGreaterThan(1);
    expect(statements.filter(({ text }) => text.includes('scheduled_grants'))).toEqual([]);
  });

  test('of pending credit takes one statement over the index, and reads neither grants nor ledger', async () => {
    await someone(`pending ${moment}`);
    const statements = await statementsOf(() =>
      caller.answer('GetBalance', {
        customerId: `pending ${moment}`,
        parts: ['BALANCE_PART_PENDING'],
        ...asked(),
      }),
    );

    // Only a question about another moment has to find out which version it is about.
    const located = moment === 'now' ? ['books'] : ['books', 'writes'];
    expect(tablesOf(statements)).toEqual([...located, 'scheduled_grants'].toSorted());
    expect(statements.filter(({ text }) => text.includes('scheduled_grants'))).toHaveLength(1);
  });
});

describe.each(Object.entries(MOMENTS))('an explanation %s', (moment, asked) => {
  const tablesFor = async (...parts: string[]) => {
    const customerId = `explained ${moment} ${parts.length}`;
    await someone(customerId);
    const request = { customerId, currency: 'USD', parts, ...asked() };
    return tablesOf(await statementsOf(() => caller.answer('ExplainBalance', request)));
  };

  test('of settled and live credit never touches the scheduled-grant index', async () => {
    const tables = await tablesFor('BALANCE_PART_SETTLED', 'BALANCE_PART_LIVE');

    expect(tables).toContain('advances');
    expect(tables).not.toContain('scheduled_grants');
  });

  test('of pending credit asks the index, and the grants for their names', async () => {
    const tables = await tablesFor('BALANCE_PART_PENDING');

    expect(tables).toContain('scheduled_grants');
    expect(tables).not.toContain('allocations');
  });
});

describe('a timeline over past and future', () => {
  const tablesFor = async (...parts: string[]) => {
    const customerId = `charted ${parts.join()}`;
    await someone(customerId);
    const request = { customerId, parts, from: at(day(1)), to: at(day(9)) };
    return tablesOf(await statementsOf(() => caller.answer('GetBalanceTimeline', request)));
  };

  test('of settled and live credit never touches the scheduled-grant index', async () => {
    const tables = await tablesFor('BALANCE_PART_SETTLED', 'BALANCE_PART_LIVE');

    expect(tables).toContain('entries');
    expect(tables).not.toContain('scheduled_grants');
  });

  test('of pending credit asks the index, and the grants for their causes, but not the ledger', async () => {
    expect(await tablesFor('BALANCE_PART_PENDING')).toEqual([
      'books',
      'grants',
      'scheduled_grants',
      'writes',
    ]);
  });
});

const partsOf = async (...parts: string[]) =>
  Object.keys((await caller.answer('GetBalance', { customerId: 'parts', parts }))['balances'][0]);

test('a part that is not asked for is absent from the answer', async () => {
  await someone('parts');
  expect(await partsOf('BALANCE_PART_SETTLED')).toEqual(['currency', 'settled']);
  expect(await partsOf('BALANCE_PART_PENDING')).toEqual(['currency', 'pending']);
  expect(await partsOf('BALANCE_PART_LIVE')).toEqual(['currency', 'live']);
  expect(await partsOf()).toEqual(['currency', 'settled', 'live', 'pending']);
});

test('what is scheduled is read from the index alone', async () => {
  await someone('scheduled');
  const forCustomer = await statementsOf(() =>
    caller.answer('ListScheduledGrants', { customerId: 'scheduled' }),
  );
  const forNamespace = await statementsOf(() => caller.answer('ListScheduledGrants', {}));

  expect(tablesOf(forCustomer)).toEqual(['books', 'scheduled_grants', 'writes']);
  expect(tablesOf(forNamespace)).toEqual(['scheduled_grants']);
});

/** The names of the statements an action runs, in no particular order. */
const counted = async (action: () => Promise<unknown>) =>
  (await statementsOf(action)).map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));

const spends = (customerId: string, count: number) => () =>
  caller.answer('BatchConsumeCredits', {
    requests: Array.from({ length: count }, () => spendRequest({ customerId, ...CREDIT_ONLY })),
  });

const page = (pageSize: number) => () =>
  caller.answer('ListTransactions', { customerId: 'journal', pageSize });

describe('the number of statements stays the same', () => {
  test('for one write and for as many as a transaction carries', async () => {
    await someone('one');
    await someone('many');
    // The first spend of this kind opens sub-accounts; later ones do not.
    await spends('one', 1)();
    await spends('many', 1)();

    const asOne = await counted(spends('one', 1));
    expect(await counted(spends('many', 40))).toEqual(asOne);
    // With its 64th version a block of a book's is complete: what was told late in it is summed up.
    const summingUp = ['late_entries_summed_up', 'sum_up_late_entries'];
    expect(await counted(spends('many', 40))).toEqual([...asOne, ...summingUp].toSorted());
    expect(await counted(spends('many', 20))).toEqual(asOne);
  });

  const GROWING = ['GetBalance', 'ExplainBalance'].flatMap((rpc) =>
    Object.entries(MOMENTS).map(([moment, asked]) => [rpc, moment, asked] as const),
  );

  test('for the balances of one customer and of many', async () => {
    const customerIds = ['first', 'second', 'third', 'nobody'];
    for (const customerId of customerIds.slice(0, 3)) await someone(customerId);
    const ask = (count: number) =>
      counted(() => caller.answer('BatchGetBalances', { customerIds: customerIds.slice(0, count) }));

    expect(await ask(4)).toEqual(await ask(1));
  });
  test.each(Object.entries(MOMENTS))(
    'for a trial balance of a namespace %s, however many books of a shard it has',
    async (moment, asked) => {
      const namespace = `trial ${moment}`.replaceAll(/[^a-z]/g, '-');
      const shard = shardOf({ namespace, customerId: 'c' });
      const neighbour = Array.from({ length: 1_000 }, (_, i) => `c${i}`).find(
        (customerId) => shardOf({ namespace, customerId }) === shard,
      )!;
      time.now = day(1);
      const grant = (customerId: string) => grantRequest({ namespace, customerId, expiresAt: at(day(3)) });
      await caller.answer('CreateGrant', grant('c'));
      time.now = day(2);
      const ask = () => caller.answer('GetTrialBalance', { namespace, ...asked() });
      const before = await counted(ask);
      time.now = day(1);
      await caller.answer('CreateGrant', grant(neighbour));
      time.now = day(2);

      expect(await counted(ask)).toEqual(before);
    },
  );
  test.each(GROWING)('for %s %s, however many grants there are', async (rpc, moment, asked) => {
    const customerId = `grown ${rpc} ${moment}`;
    await someone(customerId);
    const more = rpc === 'GetBalance' ? {} : { currency: 'USD' };
    const ask = () => caller.answer(rpc, { customerId, ...more, ...asked() });
    const before = await counted(ask);
    await caller.answer('BatchCreateGrants', {
      requests: Array.from({ length: 50 }, () => grantRequest({ customerId, effectiveAt: at(day(4)) })),
    });

    // Fewer where the new credit has paid the debt: then no charge is named.
    expect((await counted(ask)).filter((name) => !before.includes(name))).toEqual([]);
    expect((await counted(ask)).length).toBeLessThanOrEqual(before.length);
  });

  test('for a timeline, however many grants and spends its window holds', async () => {
    const customerId = 'a busy week';
    await someone(customerId);
    const ask = () => caller.answer('GetBalanceTimeline', { customerId, from: at(day(1)), to: at(day(9)) });
    const before = await counted(ask);
    await caller.answer('BatchCreateGrants', {
      requests: Array.from({ length: 50 }, () => grantRequest({ customerId, effectiveAt: at(day(4)) })),
    });
    await spends(customerId, 50)();

    expect(await counted(ask)).toEqual(before);
  });

  test('for a page of the journal, however large', async () => {
    await someone('journal');
    expect(await counted(page(100))).toEqual(await counted(page(1)));
  });
});

test('every statement over a customer’s tables names the shard, and keeps one text under its name', async () => {
  const all: Statement<unknown>[] = [];
  const statements = async (action: () => Promise<unknown>) => all.push(...(await statementsOf(action)));
  await statements(() => someone('everything'));
  const customerId = 'everything';
  const late = { ...CREDIT_ONLY, bookedAt: at(day(1) + 500) };
  await statements(() =>
    caller.answer('ConsumeCredits', spendRequest({ customerId, idempotencyKey: 'k', ...late })),
  );
  await statements(() =>
    caller.answer('ConsumeCredits', spendRequest({ customerId, dryRun: true, ...late })),
  );
  const { grants } = await caller.answer('ListGrants', { customerId });
  await statements(() => caller.answer('VoidGrant', { customerId, grantId: grants[1].id }));
  for (const moment of Object.values(MOMENTS)) {
    await statements(() => caller.answer('GetBalance', { customerId, ...moment() }));
    await statements(() => caller.answer('ExplainBalance', { customerId, currency: 'USD', ...moment() }));
    await statements(() => caller.answer('GetGrant', { customerId, grantId: grants[0].id, ...moment() }));
    await statements(() => caller.answer('ListGrants', { customerId, ...moment() }));
    const account = { currency: 'USD', accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO' };
    await statements(() => caller.answer('GetAccountBalance', { customerId, ...account, ...moment() }));
    const ofGrant = { ...account, grantId: grants[0].id };
    await statements(() => caller.answer('GetAccountBalance', { customerId, ...ofGrant, ...moment() }));
    await statements(() => caller.answer('ListAccounts', { customerId, ...moment() }));
    await statements(() => caller.answer('GetTrialBalance', moment()));
  }
  const { transactions } = await caller.answer('ListTransactions', { customerId });
  const { id, groupId, entries } = transactions.at(-1);
  const bookedFrom = at(day(1));
  for (const filter of [
    {},
    { bookedFrom },
    { grantId: grants[0].id },
    { chargeId: entries[0].chargeId, grantId: grants[0].id },
    { groupId },
    { idempotencyKey: 'k' },
    { kinds: ['TRANSACTION_KIND_VOID'] },
  ]) {
    await statements(() => caller.answer('ListTransactions', { customerId, ...filter }));
  }
  for (const filter of [
    {},
    { bookedFrom, accountId: entries[0].accountId },
    { grantId: grants[0].id },
    { chargeId: entries[0].chargeId },
    { transactionId: id },
  ]) {
    await statements(() => caller.answer('ListEntries', { customerId, ...filter }));
  }
  await statements(() => caller.answer('GetTransaction', { customerId, transactionId: id }));
  const posted = await caller.answer('PostTransaction', postRequest({ customerId }));
  await statements(() =>
    caller.answer('ReverseTransaction', { customerId, transactionId: posted['transaction'].id }),
  );
  await statements(() =>
    caller.answer('GetBalanceTimeline', { customerId, from: at(day(1)), to: at(day(9)) }),
  );
  await statements(() => caller.answer('ListEntries', { customerId }));
  await statements(() => caller.answer('ListTransactions', { customerId }));
  await statements(() => caller.answer('ListScheduledGrants', { customerId }));

  const overTables = all.filter((one) => tablesIn(one).some((table) => table !== 'currencies'));
  expect(new Set(overTables.map(({ name }) => name)).size).toBeGreaterThan(20);
  expect(overTables.filter(({ text }) => !/\bshard\b/.test(text))).toEqual([]);
  const texts = Map.groupBy(all, ({ name }) => name);
  expect([...texts].filter(([, uses]) => new Set(uses.map(({ text }) => text)).size > 1)).toEqual([]);
});
