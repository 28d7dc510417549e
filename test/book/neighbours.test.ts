import { beforeAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { neighbour } from '../support/neighbours.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { stateOf } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/**
 * Two customers whose books lie in one shard, alike in versions, places and instants: what is told of one says nothing
 * of the other, and whatever names a fact of the other finds none.
 */

const { caller, sql, time } = await testWorld();
const [ada, bob] = [neighbour('ada', 0), neighbour('ada', 1)];
/** What each customer's own amounts are multiplied with, so that nobody's can be taken for the other's. */
const FACTOR = new Map([
  [ada, 1],
  [bob, 1_000],
]);

type Lived = {
  readonly grant: Json;
  readonly charge: Json;
  readonly posted: Json;
  readonly accountId: string;
};

/** A grant, a promise, a charge that is collected late and corrected, an advance, a posting: the same for each. */
async function live(customerId: string): Promise<Lived> {
  const amount = (units: number) => ({ customerId, amount: String(units * FACTOR.get(customerId)!) });
  time.now = day(1);
  const { grant } = await caller.answer(
    'CreateGrant',
    grantRequest({ ...amount(100), idempotencyKey: 'grant', expiresAt: at(day(20)) }),
  );
  await caller.answer('CreateGrant', grantRequest({ ...amount(7), effectiveAt: at(day(9)) }));
  time.now = day(2);
  const { charge } = await caller.answer('CreateCharge', {
    ...amount(30),
    currency: 'USD',
    type: 'CHARGE_TYPE_USAGE_BASED',
    ...CREDIT_ONLY,
  });
  time.now = day(4);
  const charged = { customerId, chargeId: charge.id };
  await caller.answer('CollectCharge', { ...charged, ...amount(20), bookedAt: at(day(3)) });
  await caller.answer('CorrectCharge', { ...charged, ...amount(5) });
  await caller.answer('ConsumeCredits', spendRequest({ ...amount(3), idempotencyKey: 'spend' }));
  const { transaction: posted } = await caller.answer('PostTransaction', postRequest({ customerId }));
  const { accounts } = await caller.answer('ListAccounts', { customerId });
  return { grant, charge, posted, accountId: accounts[0].id };
}

let lived: ReadonlyMap<string, Lived>;
beforeAll(async () => {
  lived = new Map([
    [ada, await live(ada)],
    [bob, await live(bob)],
  ]);
});

const strangersOf = (customerId: string): Lived => lived.get(customerId === ada ? bob : ada)!;

describe.each([ada, bob])('%s', (customerId) => {
  const asks: readonly (readonly [rpc: string, request: (other: Lived) => object, reason: string])[] = [
    ['GetGrant', ({ grant }) => ({ grantId: grant['id'] }), 'GRANT_NOT_FOUND'],
    ['VoidGrant', ({ grant }) => ({ grantId: grant['id'] }), 'GRANT_NOT_FOUND'],
    ['RescheduleGrant', ({ grant }) => ({ grantId: grant['id'], neverExpires: true }), 'GRANT_NOT_FOUND'],
    ['GetCharge', ({ charge }) => ({ chargeId: charge['id'] }), 'CHARGE_NOT_FOUND'],
    ['UpdateCharge', ({ charge }) => ({ chargeId: charge['id'], amount: '1' }), 'CHARGE_NOT_FOUND'],
    ['CorrectCharge', ({ charge }) => ({ chargeId: charge['id'], amount: '1' }), 'CHARGE_NOT_FOUND'],
    ['GetTransaction', ({ posted }) => ({ transactionId: posted['id'] }), 'TRANSACTION_NOT_FOUND'],
    ['ReverseTransaction', ({ posted }) => ({ transactionId: posted['id'] }), 'TRANSACTION_NOT_FOUND'],
    ['GetAccount', ({ accountId }) => ({ accountId }), 'TRANSACTION_NOT_FOUND'],
  ];
  test.each(asks)(
    'is told by %s that there is no such thing as the neighbour’s',
    async (rpc, request, reason) => {
      const before = await stateOf(sql);

      const error = await caller.refusal(rpc, { customerId, ...request(strangersOf(customerId)) });
      expect([error.code, error.reason]).toEqual(['NOT_FOUND', reason]);
      expect(await stateOf(sql)).toEqual(before);
    },
  );

  test('is shown nothing of the journal under the neighbour’s grant, charge, account or transaction', async () => {
    const { grant, charge, posted, accountId } = strangersOf(customerId);
    const shown = async (rpc: string, filter: object): Promise<Json> => {
      const result = await caller.result(rpc, { customerId, ...filter });
      return result.ok ? (result.answer['entries'] ?? result.answer['transactions'] ?? []) : [];
    };

    expect(await shown('ListEntries', {})).not.toEqual([]);
    expect(await shown('ListTransactions', {})).not.toEqual([]);
    for (const filter of [{ grantId: grant['id'] }, { chargeId: charge['id'] }]) {
      expect(await shown('ListEntries', filter)).toEqual([]);
      expect(await shown('ListTransactions', filter)).toEqual([]);
    }
    expect(await shown('ListEntries', { accountId })).toEqual([]);
    expect(await shown('ListEntries', { transactionId: posted['id'] })).toEqual([]);
    expect(await shown('ListTransactions', { groupId: posted['groupId'] })).toEqual([]);
  });

  test.each(['now', 'two days ago', 'next month'])(
    'has figures, accounts and lists of its own, %s',
    async (when) => {
      const now = day(5);
      time.now = now;
      const asOf = { now, 'two days ago': now - 2 * (day(2) - day(1)), 'next month': day(40) }[when]!;
      const asked = { customerId, ...(when !== 'now' && { asOf: at(asOf) }) };
      const units = (amount: number) => String(amount * FACTOR.get(customerId)!);
      // 100 less 20 from the third day on, and 5 given back, 3 spent on the fourth; 7 are promised for the ninth, and
      // on the twentieth what is left of the 100 expires.
      const figures = {
        now: { settled: units(82), live: units(67), pending: units(7) },
        'two days ago': { settled: units(80), live: units(70), pending: units(7) },
        'next month': { settled: units(7), live: units(-8), pending: '0' },
      }[when]!;

      expect((await caller.answer('GetBalance', asked))['balances']).toMatchObject([figures]);
      const { grants } = await caller.answer('ListGrants', asked);
      expect(grants.map(({ amount }: Json) => amount)).toEqual([units(7), units(100)]);
      const account = { accountType: 'ACCOUNT_TYPE_CUSTOMER_FBO', currency: 'USD', ...asked };
      expect((await caller.answer('GetAccountBalance', account))['amount']).toBe(figures.settled);
      const ofGrant = { ...account, grantId: lived.get(customerId)!.grant['id'] };
      const left = when === 'next month' ? '0' : figures.settled;
      expect((await caller.answer('GetAccountBalance', ofGrant))['amount']).toBe(left);
    },
  );
});

test('both write in one batch, under the same key, each from its own credit', async () => {
  time.now = day(6);
  const requests = [ada, bob].map((customerId) =>
    spendRequest({
      customerId,
      amount: '80',
      idempotencyKey: 'both',
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
    }),
  );
  const late = (customerId: string) =>
    spendRequest({
      customerId,
      amount: '4',
      bookedAt: at(day(2)),
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
    });
  const { results } = await caller.answer('BatchConsumeCredits', {
    requests: [...requests, ...[ada, bob].map(late)],
  });

  // 82 less 80 leaves 2 to ada, whatever bob has.
  expect(results.map(({ error }: Json) => error?.reason)).toEqual([
    undefined,
    undefined,
    'INSUFFICIENT_CREDIT',
    undefined,
  ]);
  const settled = await Promise.all(
    [ada, bob].map((customerId) => caller.answer('GetBalance', { customerId })),
  );
  expect(settled.map(({ balances }) => balances[0].settled)).toEqual(['2', '81916']);
});

test('each may take back a posting that stands where the other has taken back one', async () => {
  time.now = day(7);
  for (const customerId of [ada, bob]) {
    const { posted } = lived.get(customerId)!;
    const reversal = { customerId, transactionId: posted['id'] };
    const { transaction } = await caller.answer('ReverseTransaction', reversal);
    expect(transaction).toMatchObject({
      reversedTransactionId: posted['id'],
      entries: posted['entries'].map(({ id }: Json) => ({ reversedEntryId: id })),
    });
    expect(await caller.refusal('ReverseTransaction', reversal)).toMatchObject({ reason: 'ROUTING_RULE' });
  }
});
