import { describe, expect, test } from 'vitest';
import { isoDecimals, isWithdrawn, PUBLISHED } from '../../src/tables/iso-4217.ts';
import { grantRequest, postRequest, spendRequest, CREDIT_ONLY } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

const { caller, sql } = await testWorld();
let customers = 0;

describe('the table of ISO 4217 has not fallen behind', () => {
  test('every currency that the platform knows is in it', () => {
    const unknown = Intl.supportedValuesOf('currency').filter((code) => isoDecimals(code) === undefined);

    expect(unknown, 'compare src/tables/iso-4217.ts with list one of ISO 4217').toEqual([]);
  });

  test('it was compared with a list published within two years', () => {
    const years = (Date.now() - Date.parse(PUBLISHED)) / (365.25 * 86_400_000);

    expect(years, 'compare src/tables/iso-4217.ts with list one of ISO 4217').toBeLessThan(2);
  });

  test.each([
    ['XCG', 2, false],
    ['ANG', 2, true],
    ['BGN', 2, true],
    ['CUC', 2, true],
    ['JPY', 0, false],
    ['KWD', 3, false],
    ['CLF', 4, false],
    ['XXX', 0, false],
    ['QQQ', undefined, false],
    ['', undefined, false],
  ])('%s has %s decimals; withdrawn: %s', (code, decimals, withdrawn) => {
    expect([isoDecimals(code), isWithdrawn(code)]).toEqual([decimals, withdrawn]);
  });
});

describe('a withdrawn code', () => {
  const ang = { currency: 'ANG' };
  const paidIn = (purchaseCurrency: string) => ({
    funding: { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency },
  });
  /** As in the years when it was current. */
  const holds = (customerId: string) =>
    sql.rows(`update books set currencies = currencies || '{"ANG": 1}' where customer_id = '${customerId}'`);
  const charge = { ...ang, amount: '1', name: 'c', type: 'CHARGE_TYPE_FLAT_FEE', ...CREDIT_ONLY };
  const [cash, brokerage] = ['ACCOUNT_TYPE_WASH', 'ACCOUNT_TYPE_BROKERAGE'];
  const entries = [
    { accountType: cash, currency: 'ANG', amount: '-10' },
    { accountType: brokerage, currency: 'ANG', amount: '10' },
  ];

  test.each<[field: string, rpc: string, request: (customerId: string) => object]>([
    ['currency', 'CreateGrant', (customerId) => grantRequest({ customerId, ...ang })],
    [
      'funding.purchase_currency',
      'CreateGrant',
      (customerId) => grantRequest({ customerId, ...paidIn('ANG') }),
    ],
    ['currency', 'ConsumeCredits', (customerId) => spendRequest({ customerId, ...ang, ...CREDIT_ONLY })],
    [
      'currency',
      'ConsumeCredits',
      (customerId) => spendRequest({ customerId, ...ang, ...CREDIT_ONLY, dryRun: true }),
    ],
    ['currency', 'CreateCharge', (customerId) => ({ customerId, ...charge })],
    ['currency', 'CreateAdjustment', (customerId) => ({ customerId, ...ang, amount: '5', reason: 'why' })],
    ['entries[0].currency', 'PostTransaction', (customerId) => postRequest({ customerId, entries })],
  ])('is new to no book (%s of %s), and good in one that holds it', async (field, rpc, request) => {
    const customerId = `customer ${(customers += 1)}`;
    await caller.answer('CreateGrant', grantRequest({ customerId }));

    expect(await caller.refusal(rpc, request(customerId))).toMatchObject({
      reason: 'UNKNOWN_CURRENCY',
      metadata: { field, rule: 'currency.current' },
    });
    await holds(customerId);
    expect(await caller.answer(rpc, request(customerId))).toMatchObject({});
  });

  test('is good in a book in which something was paid with it', async () => {
    const customerId = 'paid before';
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    await holds(customerId);
    const status = { initialSettlementStatus: 'SETTLEMENT_STATUS_SETTLED' };
    const paid = { funding: { ...paidIn('ANG').funding, ...status } };
    await caller.answer('CreateGrant', grantRequest({ customerId, ...paid }));
    await sql.rows(`update books set currencies = currencies - 'ANG' where customer_id = '${customerId}'`);

    expect(await caller.answer('CreateGrant', grantRequest({ customerId, ...paid }))).toMatchObject({});
  });

  test('can be asked about by everybody', async () => {
    expect(await caller.answer('GetBalance', { customerId: 'nobody', currencies: ['ANG'] })).toMatchObject({
      balances: [{ currency: 'ANG', settled: '0' }],
    });
  });
});

test('a currency that came since is known', async () => {
  expect(
    await caller.answer('CreateGrant', grantRequest({ customerId: 'new', currency: 'XCG' })),
  ).toMatchObject({
    grant: { currency: 'XCG' },
  });
});
