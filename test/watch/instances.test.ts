import { afterAll, describe, expect, test } from 'vitest';
import { grpcCaller } from '../support/grpc-caller.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';
import { untilSo } from '../support/until.ts';

/** What another instance writes reaches a watch: at once by the doorbell, and by the poll alone just as surely. */

const { url, caller, time, sql, another } = await testWorld();
const other = await another();
const client = grpcCaller(url);
const ringing = [await another({ doorbell: true }), await another({ doorbell: true })] as const;
const listener = grpcCaller(ringing[0].url);
afterAll(() => [client, listener].forEach((one) => one.close()));

const POLL_MS = 1_000;
const LISTENERS = `select pid from pg_stat_activity
  where datname = current_database() and application_name = 'credit-ledger-notifications' and state = 'idle' and query <> ''`;
/** Until both instances with a doorbell hear each other. */
const connected = () => untilSo('both listen', async () => (await sql.rows(LISTENERS)).length === 2);

describe('by the poll alone', () => {
  test('a write of another instance is told', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'polled' }));
    const { next, news } = watching(client, 'polled');
    await next();
    await other.answer('ConsumeCredits', spendRequest({ customerId: 'polled', amount: '25' }));
    await other.answer('CreateAdjustment', { customerId: 'polled', currency: 'USD', amount: '5' });
    time.now += POLL_MS;

    expect(await news()).toEqual({
      version: 3,
      asOf: time.now - POLL_MS,
      balances: ['USD 80 80 0'],
      causes: ['CHARGE_COLLECTED', 'ADJUSTED'],
    });
  });

  test('so is the first write about a customer', async () => {
    const { next, news } = watching(client, 'newcomer');
    expect(await next()).toMatchObject({ version: 0, balances: [] });
    await other.answer('CreateGrant', grantRequest({ customerId: 'newcomer' }));
    time.now += POLL_MS;

    expect(await news()).toMatchObject({
      version: 1,
      balances: ['USD 100 100 0'],
      causes: ['GRANT_CREATED'],
    });
  });

  test('a write here on top of one elsewhere tells both', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'both' }));
    const { next, news } = watching(client, 'both');
    await next();
    await other.answer('CreateAdjustment', { customerId: 'both', currency: 'USD', amount: '-1' });
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'both', amount: '4' }));

    expect(await news()).toMatchObject({
      version: 3,
      balances: ['USD 95 95 0'],
      causes: ['ADJUSTED', 'CHARGE_COLLECTED'],
    });
  });

  test('a grant whose payment fails elsewhere is told as voided', async () => {
    const funding = {
      method: 'FUNDING_METHOD_INVOICE',
      purchaseCurrency: 'USD',
      perUnitCostBasis: '1',
      availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
    };
    const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId: 'unpaid', funding }));
    const { next, news } = watching(client, 'unpaid');
    expect(await next()).toMatchObject({ balances: ['USD 0 0 100'] });
    const event = (status: string) => ({
      customerId: 'unpaid',
      grantId: grant.id,
      status: `SETTLEMENT_STATUS_${status}`,
    });
    await other.answer('UpdateGrantSettlement', event('ISSUED'));
    await other.answer('UpdateGrantSettlement', event('FAILED'));
    time.now += POLL_MS;

    expect(await news()).toMatchObject({
      version: 3,
      balances: ['USD 0 0 0'],
      causes: ['GRANT_SETTLEMENT_UPDATED', 'GRANT_VOIDED'],
    });
  });
});

describe('by the doorbell', () => {
  test('a write of another instance is told while the clock stands still', async () => {
    await connected();
    await caller.answer('CreateGrant', grantRequest({ customerId: 'rung' }));
    const { next, news } = watching(listener, 'rung');
    await next();
    await ringing[1].answer('ConsumeCredits', spendRequest({ customerId: 'rung', amount: '25' }));

    expect(await news()).toEqual({
      version: 2,
      asOf: time.now,
      balances: ['USD 75 75 0'],
      causes: ['CHARGE_COLLECTED'],
    });
  });

  test('more books than a notification names are told too', async () => {
    await connected();
    const customers = Array.from({ length: 400 }, (_, i) => `crowd ${i}`);
    const requests = customers.map((customerId) => grantRequest({ customerId }));
    await caller.answer('BatchCreateGrants', { requests });
    const last = watching(listener, 'crowd 399');
    await last.next();
    await ringing[1].answer('BatchCreateGrants', { requests });

    expect(await last.news()).toMatchObject({ version: 2, balances: ['USD 200 200 0'] });
  });

  test('a doorbell that was cut off costs time and nothing else, and is heard again', async () => {
    await connected();
    await caller.answer('CreateGrant', grantRequest({ customerId: 'cut' }));
    const { next, news } = watching(listener, 'cut');
    await next();
    await sql.rows(`select pg_terminate_backend(pid) from (${LISTENERS}) listeners`);
    await ringing[1].answer('ConsumeCredits', spendRequest({ customerId: 'cut', amount: '1' }));

    // Nobody moves the clock: what was missed is looked for when the doorbell is connected again.
    expect(await news()).toMatchObject({ version: 2, balances: ['USD 99 99 0'] });
    await connected();
    await ringing[1].answer('ConsumeCredits', spendRequest({ customerId: 'cut', amount: '1' }));
    expect(await news()).toMatchObject({ version: 3, balances: ['USD 98 98 0'] });
  });
});
