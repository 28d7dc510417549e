import { describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { at } from '../support/requests.ts';
import { MOMENTS, statementsWorld, tablesOf } from '../support/statements.ts';

/** Which tables an answer touches: settled and live never touch the scheduled-grant index, pending never the ledger. */

const { caller, statementsOf, someone } = await statementsWorld();

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
