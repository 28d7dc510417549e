import { beforeAll, describe, expect, it } from 'vitest';
import { formatAmount, parseAmount, parseNumeric } from '../../src/amount.ts';
import { day } from '../support/builders.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { call, type Json } from '../support/service.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/**
 * The largest amounts a request can name, many of them: their sums have more digits before the point than any request
 * may, and every way to a figure answers them whole.
 */

const { caller, time, url } = await testWorld();
const LARGEST = '999999999999999999.99';
const times = (n: bigint, text = LARGEST) => formatAmount(parseAmount(text) * n);
/** 24 grants of a year ago, of which 5 are spent now; and one for later. */
const [TOTAL, SPENT, LEFT] = [times(24n), times(5n), times(19n)];

beforeAll(async () => {
  const paid = { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'USD', perUnitCostBasis: '1' };
  const past = { amount: LARGEST, effectiveAt: at(day(-300)), funding: paid };
  const requests = Array.from({ length: 24 }, () => grantRequest(past));
  await caller.answer('BatchCreateGrants', { requests });
  await caller.answer('CreateGrant', grantRequest({ amount: LARGEST, effectiveAt: at(day(30)) }));
  time.now = day(5);
  const spends = Array.from({ length: 5 }, () => spendRequest({ amount: LARGEST }));
  await caller.answer('BatchConsumeCredits', { requests: spends });
  time.now = day(6);
});

describe('sums beyond what a request can name are answered whole', () => {
  const one = { customerId: 'ada' };

  it.each<[what: string, rpc: string, request: object, of: (answer: Json) => unknown, expected: unknown]>([
    ['settled now', 'GetBalance', one, (a) => a['balances'][0].settled, LEFT],
    ['live now', 'GetBalance', one, (a) => a['balances'][0].live, LEFT],
    [
      'of many',
      'BatchGetBalances',
      { customerIds: ['ada'] },
      (a) => a['results'][0].balances[0].settled,
      LEFT,
    ],
    ['then', 'GetBalance', { ...one, asOf: at(day(4)) }, (a) => a['balances'][0].settled, TOTAL],
    ['to come', 'GetBalance', { ...one, asOf: at(day(31)) }, (a) => a['balances'][0].settled, times(20n)],
    ['explained', 'ExplainBalance', { ...one, currency: 'USD' }, (a) => a['balance'].settled, LEFT],
    [
      'in a timeline',
      'GetBalanceTimeline',
      { ...one, from: at(day(-1)), to: at(day(31)) },
      (a) => (a['points'] as Json[]).map((point) => point['balances'][0].settled),
      [TOTAL, TOTAL, LEFT, times(20n)],
    ],
  ])('%s', async (_what, rpc, request, of, expected) => {
    expect(of(await caller.answer(rpc, request))).toEqual(expected);
  });

  it('beside a row of history', async () => {
    const list = 'credit.v1.CreditService/ListTransactions';
    const outcome = await call(url, list, { ...one, pageSize: 1 });

    expect(outcome).toMatchObject({ answer: { transactions: [{ balanceAfter: LEFT }] } });
  });

  it('of accounts, of a customer and of the namespace', async () => {
    const held = { ...one, currency: 'USD', accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO' };
    const { accounts } = await caller.answer('ListAccounts', one);
    const balances = (accounts as Json[]).map(({ balance }) => parseNumeric(balance));
    const { rows } = await caller.answer('GetTrialBalance', {});

    expect((await caller.answer('GetAccountBalance', held))['amount']).toBe(LEFT);
    expect(balances).toContain(parseNumeric(LEFT));
    expect((rows as Json[]).map(({ amount }) => amount)).toEqual(expect.arrayContaining([LEFT, SPENT]));
  });

  it('of revenue, in units and in money', async () => {
    const { units, money } = await caller.answer('RecognizeRevenue', { ...one, currency: 'USD' });

    expect([units, money]).toEqual([SPENT, [{ currency: 'USD', amount: SPENT }]]);
  });

  it('and their book is sound', async () => {
    expect((await verified(url, one)).kinds).toEqual([]);
  });
});

describe('a sum of 40 digits is out of reach', () => {
  it('because no amount has more than 18, a purchase amount included', async () => {
    const funding = { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'USD', perUnitCostBasis: '2' };
    const refusal = await caller.refusal('CreateGrant', grantRequest({ amount: LARGEST, funding }));

    expect(refusal).toMatchObject({
      reason: 'INVALID_FIELD',
      metadata: { field: 'funding.per_unit_cost_basis' },
    });
  });
});
