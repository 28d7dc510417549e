import { afterAll, describe, expect, test } from 'vitest';
import { BalancePart } from '#gen/credit/v1/balance_pb.ts';
import { day } from '../support/builders.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

/** A watch as its reader sees it, over plain gRPC. Time is moved by hand; nothing is slept for. */

const { url, caller, time } = await testWorld();
const client = grpcCaller(url);
afterAll(() => client.close());

describe('a watch', () => {
  test('begins with the balance now, and goes on with every change', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'changes' }));
    const { next } = watching(client, 'changes');

    expect(await next()).toEqual({
      version: 1,
      asOf: day(1),
      balances: ['USD 100 100 0'],
      causes: [],
    });
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'changes', amount: '30' }));
    expect(await next()).toEqual({
      version: 2,
      asOf: day(1),
      balances: ['USD 70 70 0'],
      causes: ['CHARGE_COLLECTED'],
    });
  });

  test('of a customer nobody has written about begins with nothing, and hears of the first write', async () => {
    time.now = day(1);
    const { next } = watching(client, 'nobody', { currencies: ['USD'] });

    expect(await next()).toEqual({ version: 0, asOf: day(1), balances: ['USD 0 0 0'], causes: [] });
    await caller.answer('CreateGrant', grantRequest({ customerId: 'nobody' }));
    expect(await next()).toMatchObject({
      version: 1,
      balances: ['USD 100 100 0'],
      causes: ['GRANT_CREATED'],
    });
  });

  test('says nothing of a write that moves no figure in scope', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'scoped' }));
    const { next } = watching(client, 'scoped', {
      featureFilter: { filter: { case: 'unrestricted', value: true } },
      currencies: ['USD'],
      parts: [BalancePart.SETTLED],
    });
    await next();
    await caller.answer('CreateGrant', grantRequest({ customerId: 'scoped', featureKeys: ['a'] }));
    await caller.answer('CreateGrant', grantRequest({ customerId: 'scoped', currency: 'EUR' }));
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'scoped' }));

    expect(await next()).toMatchObject({
      version: 4,
      balances: ['USD 90 – –'],
      causes: ['CHARGE_COLLECTED'],
    });
  });
});

describe('time itself', () => {
  test('makes a grant effective, at that very instant', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'effective', effectiveAt: at(day(2)) }));
    await caller.answer(
      'ConsumeCredits',
      spendRequest({ customerId: 'effective', amount: '40', ...CREDIT_ONLY }),
    );
    const { next } = watching(client, 'effective');
    expect(await next()).toMatchObject({ balances: ['USD -40 -40 100'] });
    time.now = day(3);

    expect(await next()).toEqual({
      version: 2,
      asOf: day(2),
      balances: ['USD 60 60 0'],
      causes: ['GRANT_EFFECTIVE'],
    });
  });

  test('lets a grant expire, as credit or still pending', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'expiry', expiresAt: at(day(2)) }));
    const { next } = watching(client, 'expiry');
    await next();
    time.now = day(2);

    expect(await next()).toEqual({
      version: 1,
      asOf: day(2),
      balances: ['USD 0 0 0'],
      causes: ['GRANT_EXPIRED'],
    });
  });

  test('starts a charge and ends its hold', async () => {
    time.now = day(1);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'hold' }));
    await caller.answer('CreateCharge', {
      customerId: 'hold',
      type: 'CHARGE_TYPE_FLAT_FEE',
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
      currency: 'USD',
      amount: '30',
      startsAt: at(day(2)),
      holdExpiresAt: at(day(3)),
    });
    const { next } = watching(client, 'hold');
    expect(await next()).toMatchObject({ balances: ['USD 100 100 0'] });
    time.now = day(2);

    expect(await next()).toEqual({
      version: 2,
      asOf: day(2),
      balances: ['USD 100 70 0'],
      causes: ['CHARGE_STARTED'],
    });
    time.now = day(3);
    expect(await next()).toEqual({
      version: 2,
      asOf: day(3),
      balances: ['USD 100 100 0'],
      causes: ['HOLD_EXPIRED'],
    });
  });
});
