import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/tables/book-key.ts';
import type { Statement } from '../../src/db/database.ts';
import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import { MOMENTS, statementsWorld, tablesIn } from '../support/statements.ts';

/** How many statements an answer takes, and what each says. */

const { caller, time, statementsOf, someone } = await statementsWorld();

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
