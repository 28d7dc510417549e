import { day } from './builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from './requests.ts';
import { call } from './service.ts';
import type { World } from './world.ts';

/** The ids a story was given; its versions are in order of this type's properties. */
export type Story = {
  /** Version 1: paid, 100 USD: used by all charges. */
  readonly paid: string;
  /** Version 2: 50 USD for feature `a`, never used, expired. */
  readonly expired: string;
  /** Version 3: promised, brought forward in version 4, credit later. */
  readonly promised: string;
  /** Version 5: promised for ever. */
  readonly waiting: string;
  /** Version 6: opened; collected in 7 and 8, corrected in 9. */
  readonly open: string;
  /** Version 10: 200 USD of which an advance paid part; 11 covers some of it, 12 takes some back. */
  readonly debt: string;
  readonly cover: string;
};

/** A customer with something of everything, in 15 versions: 13 recognizes revenue, 14 and 15 are posted by hand. */
export async function everything({ caller, time, url }: World, customerId: string): Promise<Story> {
  const write = async (rpc: string, request: object) => {
    time.now += 60_000;
    return caller.answer(rpc, { customerId, ...request });
  };
  const ledger = async (rpc: string, request: object) => {
    time.now += 60_000;
    const result = await call(url, `ledger.v1.LedgerService/${rpc}`, { customerId, ...request });
    if (!result.ok) throw new Error(result.error.message);
  };
  const grant = async (given: object): Promise<string> =>
    (await write('CreateGrant', { ...grantRequest(given), customerId }))['grant'].id;
  time.now = day(1);
  const funding = {
    method: 'FUNDING_METHOD_EXTERNAL',
    availabilityPolicy: 'AVAILABILITY_POLICY_ON_CREATION',
  };
  const settled = { initialSettlementStatus: 'SETTLEMENT_STATUS_SETTLED', purchaseCurrency: 'USD' };
  const paid = await grant({ funding: { ...funding, ...settled } });
  const expired = await grant({ amount: '50', featureKeys: ['a'], expiresAt: at(day(2)) });
  const promised = await grant({ amount: '30', featureKeys: ['b'], effectiveAt: at(day(4)) });
  await write('RescheduleGrant', { grantId: promised, effectiveAt: at(day(3)) });
  const waiting = await grant({ amount: '20', featureKeys: ['b'], effectiveAt: at(day(90)) });
  const charge = {
    ...spendRequest({ amount: '40', settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY' }),
    customerId,
    type: 'CHARGE_TYPE_USAGE_BASED',
  };
  const open = (await write('CreateCharge', charge))['charge'].id;
  await write('CollectCharge', { chargeId: open, amount: '10' });
  await write('CollectCharge', { chargeId: open, amount: '15' });
  await write('CorrectCharge', { chargeId: open, amount: '5' });
  time.now = day(5);
  const spend = { ...spendRequest({ amount: '200', ...CREDIT_ONLY }), customerId };
  const debt = (await write('ConsumeCredits', spend))['charge'].id;
  const cover = await grant({ amount: '60' });
  await write('CorrectCharge', { chargeId: debt, amount: '30' });
  await ledger('RecognizeRevenue', { currency: 'USD', amount: '12' });
  for (const amount of ['7', '8']) {
    const entries = [
      { accountType: 'ACCOUNT_TYPE_WASH', currency: 'USD', amount: `-${amount}`, route: { costBasis: '1' } },
      { accountType: 'ACCOUNT_TYPE_BROKERAGE', currency: 'USD', amount, route: { costBasis: '1' } },
    ];
    await ledger('PostTransaction', { entries, reason: `rounding of ${amount}` });
  }
  return { paid, expired, promised, waiting, open, debt, cover };
}
