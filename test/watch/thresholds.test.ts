import { afterAll, expect, test } from 'vitest';
import { BalancePart } from '#gen/credit/v1/balance_pb.ts';
import { day } from '../support/builders.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

/** With thresholds only crossing one of them is news. */

const { url, caller, time } = await testWorld();
const client = grpcCaller(url);
afterAll(() => client.close());

const below = (amount: string, part: BalancePart = BalancePart.UNSPECIFIED, currency = 'USD') => ({
  currency,
  part,
  amount,
});
const spend = (customerId: string, amount: string) =>
  caller.answer('ConsumeCredits', spendRequest({ customerId, amount }));

test('a watch tells of the figure that falls below, and of the one that comes back, and of nothing else', async () => {
  time.now = day(1);
  const customerId = 'crossing';
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  const { next, news } = watching(client, customerId, { below: [below('50'), below('20.5')] });

  expect(await next()).toMatchObject({ version: 1, balances: ['USD 100 100 0'] });
  await spend(customerId, '50');
  expect(await next(() => (time.now += 15_000))).toMatchObject({ heartbeat: true });
  await spend(customerId, '0.01');
  expect(await news()).toMatchObject({
    version: 3,
    balances: ['USD 49.99 49.99 0'],
    below: ['50'],
    causes: ['CHARGE_COLLECTED'],
  });
  await spend(customerId, '40');
  expect(await news()).toMatchObject({ version: 4, below: ['50', '20.5'] });
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '20' }));
  expect(await news()).toMatchObject({ version: 5, below: ['50'], causes: ['GRANT_CREATED'] });
});

test('a message names all that has moved figures since the one before', async () => {
  time.now = day(1);
  const customerId = 'since';
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  const { next, news } = watching(client, customerId, { below: [below('10', BalancePart.SETTLED)] });
  await next();
  await spend(customerId, '30');
  await caller.answer('CreateAdjustment', { customerId, currency: 'USD', amount: '-40' });
  await caller.answer('CreateGrant', grantRequest({ customerId, amount: '5', expiresAt: at(day(3)) }));
  await spend(customerId, '31');

  expect(await news()).toMatchObject({
    version: 5,
    below: ['10'],
    causes: ['CHARGE_COLLECTED', 'ADJUSTED', 'GRANT_CREATED'],
  });
});

test('a threshold counts in its own currency and part, whatever else is shown', async () => {
  time.now = day(1);
  const customerId = 'apart';
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  await caller.answer('CreateGrant', grantRequest({ customerId, currency: 'EUR', amount: '10' }));
  const { next, news } = watching(client, customerId, {
    currencies: ['USD'],
    parts: [BalancePart.SETTLED],
    below: [below('5', BalancePart.LIVE, 'EUR')],
  });
  expect(await next()).toMatchObject({ balances: ['USD 100 – –'] });
  await caller.answer('ConsumeCredits', spendRequest({ customerId, currency: 'EUR', amount: '4' }));
  await caller.answer('CreateAdjustment', { customerId, currency: 'EUR', amount: '-2' });

  expect(await news()).toMatchObject({
    version: 4,
    balances: ['USD 100 – –'],
    below: ['5'],
    causes: ['CHARGE_COLLECTED', 'ADJUSTED'],
  });
});

test.each([
  ['a currency there is not', below('1', BalancePart.LIVE, 'XQXQ'), 'UNKNOWN_CURRENCY', 'below[0].currency'],
  ['an amount finer than its currency', below('1.001'), 'TOO_PRECISE', 'below[0].amount'],
])('%s is refused', async (_, threshold, reason, field) => {
  const { failure } = watching(client, 'refused', { below: [threshold] });

  expect(await failure()).toMatchObject({ reason, metadata: { field } });
});
