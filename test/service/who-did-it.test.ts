import { describe, expect, test } from 'vitest';
import { VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { day } from '../support/builders.ts';
import { callerOf, type Caller } from '../support/caller.ts';
import { watchTransactions } from '../support/following.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { verified } from '../support/verifier.ts';
import { transactionsOf } from '../support/transactions-rows.ts';
import { testWorld } from '../support/world.ts';

/** Every version keeps who made it, and whatever tells of a version tells that (domain.md §19). */

const world = await testWorld({
  credentials: tokenCredentials([
    { name: 'billing', permission: 'write', token: 'of-billing' },
    { name: 'support', permission: 'write', token: 'of-support' },
  ]),
});
const { url, time, sql } = world;
/** Reads without credentials. */
const open = await world.another({ credentials: null });

const UUID = '0196b2f4-6f3e-7c1a-9d52-5a7f0b1c2d3e';

/** A caller by its name, on somebody's behalf or nobody's. */
const as = (name: string, actor?: string, requestId?: string): Caller =>
  callerOf({ url }, () => ({
    authorization: `Bearer of-${name}`,
    ...(actor !== undefined && { 'credit-ledger-actor': actor }),
    ...(requestId !== undefined && { 'x-request-id': requestId }),
  }));
const billing = as('billing');

const { rows: history } = transactionsOf(open);
const journal = async (customerId: string): Promise<readonly Json[]> =>
  (await open.answer('ListTransactions', { customerId }))['transactions'];

test('tells of a grant, its transactions and entries, and its row of the history who gave it', async () => {
  const customerId = 'ada';
  const jane = { caller: 'support', actor: 'jane', requestId: UUID };
  const { grant } = await as('support', 'jane', UUID).answer('CreateGrant', grantRequest({ customerId }));

  const read = await billing.answer('GetGrant', { customerId, grantId: grant.id });
  expect(read['grant'].actor).toEqual(jane);
  const { grants } = await billing.answer('ListGrants', { customerId });
  expect(grants.map((one: Json) => one['actor'])).toEqual([jane]);
  const [transaction] = await journal(customerId);
  expect(transaction!['actor']).toEqual(jane);
  expect(transaction!['entries'].map((entry: Json) => entry['actor'])).toEqual([jane, jane, jane, jane]);
  const found = await billing.answer('GetTransaction', { customerId, transactionId: transaction!['id'] });
  expect(found['transaction']).toEqual(transaction);
  const { entries } = await billing.answer('ListEntries', { customerId });
  expect(entries).toEqual(transaction!['entries']);
  expect((await history({ customerId })).map((row) => row['actor'])).toEqual([jane]);
});

test('tells of a charge who made it, and of what it collected who did that', async () => {
  const customerId = 'bob';
  await billing.answer('CreateGrant', grantRequest({ customerId }));
  const opened = await as('support', 'jane', 'first').answer('CreateCharge', {
    ...spendRequest({ customerId, ...CREDIT_ONLY }),
    type: 'CHARGE_TYPE_USAGE_BASED',
  });
  const { id: chargeId } = opened['charge'];
  await as('billing', 'joe', 'second').answer('CollectCharge', { customerId, chargeId, finalize: true });

  const jane = { caller: 'support', actor: 'jane', requestId: 'first' };
  const joe = { caller: 'billing', actor: 'joe', requestId: 'second' };
  expect((await billing.answer('GetCharge', { customerId, chargeId }))['charge'].actor).toEqual(jane);
  const { charges } = await billing.answer('ListCharges', { customerId });
  expect(charges.map((one: Json) => one['actor'])).toEqual([jane]);
  const [row] = await history({ customerId, types: ['TRANSACTION_TYPE_CONSUMED'] });
  expect(row).toMatchObject({ chargeId, actor: joe });
});

test('names nobody where the caller names nobody, and a request id of this service where it sends none', async () => {
  const customerId = 'cyd';
  await billing.answer('CreateGrant', grantRequest({ customerId }));

  const [row] = await history({ customerId });
  expect(row!['actor']).toEqual({
    caller: 'billing',
    requestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  });
});

test('a uuid takes sixteen bytes, and any other id its characters: each is told as it was sent', async () => {
  const ids = [UUID, UUID.toUpperCase(), UUID.replaceAll('-', ''), 'x'.repeat(128)];
  for (const id of ids) {
    await as('billing', undefined, id).answer('CreateGrant', grantRequest({ customerId: 'ids' }));
  }

  expect((await history({ customerId: 'ids' })).map((row) => row['actor'].requestId)).toEqual(
    ids.toReversed(),
  );
  const rows = await sql.rows<{ uuid: string | null; text: string | null }>(
    `select request_uuid as uuid, request_text as text from writes w join books b on b.id = w.book_id
     where b.customer_id = 'ids' order by w.version`,
  );
  expect(rows).toEqual([{ uuid: UUID, text: null }, ...ids.slice(1).map((text) => ({ uuid: null, text }))]);
});

test('a repeat leaves who did it first', async () => {
  const customerId = 'again';
  const request = grantRequest({ customerId, idempotencyKey: 'k' });
  const first = await as('support', 'jane').answer('CreateGrant', request);
  const again = await as('billing', 'joe').answer('CreateGrant', request);

  expect(again).toEqual({ ...first, replayed: true });
  const { grants } = await billing.answer('ListGrants', { customerId });
  expect(grants[0].actor).toMatchObject({ caller: 'support', actor: 'jane' });
});

describe('the answer to a write', () => {
  const customerId = 'answered';
  const jane = as('support', 'jane', 'asked');
  const byJane = { caller: 'support', actor: 'jane', requestId: 'asked' };
  const hold = { ...spendRequest({ customerId, ...CREDIT_ONLY }), type: 'CHARGE_TYPE_USAGE_BASED' };

  test('tells it of what it made', async () => {
    const { grant } = await jane.answer('CreateGrant', grantRequest({ customerId }));
    const { charge } = await jane.answer('CreateCharge', hold);
    const { transaction } = await jane.answer('PostTransaction', postRequest({ customerId }));
    const adjustment = { customerId, currency: 'USD', amount: '1', reason: 'sorry' };
    const adjusted = await jane.answer('CreateAdjustment', adjustment);

    const made = [
      grant,
      charge,
      transaction,
      transaction.entries[0],
      adjusted['grant'],
      adjusted['transaction'],
    ];
    expect(made.map(({ actor }) => actor)).toEqual(made.map(() => byJane));
  });

  test('tells of a grant or charge that it changes who made that', async () => {
    const { grant } = await jane.answer('CreateGrant', grantRequest({ customerId }));
    const { charge } = await jane.answer('CreateCharge', hold);
    const joe = as('billing', 'joe');
    const named = { customerId, chargeId: charge.id };
    const updated = await joe.answer('UpdateCharge', { ...named, amount: '2' });
    const collected = await joe.answer('CollectCharge', { ...named, finalize: true });
    const corrected = await joe.answer('CorrectCharge', { ...named, amount: '1' });
    const voided = await joe.answer('VoidGrant', { customerId, grantId: grant.id });

    const told = [updated['charge'], collected['charge'], corrected['charge'], voided['grant']];
    expect(told.map(({ actor }) => actor)).toEqual(told.map(() => byJane));
  });

  test('does not of a charge that is made and collected at once, by whoever asked', async () => {
    const spent = await jane.answer('ConsumeCredits', spendRequest({ customerId }));
    const { results } = await jane.answer('BatchConsumeCredits', {
      requests: [spendRequest({ customerId, dryRun: true }), spendRequest({ customerId })],
    });

    for (const { charge } of [spent, ...results]) expect(charge.actor).toBeUndefined();
  });
});

test('each item of a batch is by who sent the batch', async () => {
  const requests = ['batch a', 'batch b', 'batch a'].map((customerId) => grantRequest({ customerId }));
  await as('support', 'jane', 'of-a-batch').answer('BatchCreateGrants', { requests });

  for (const [customerId, times] of [
    ['batch a', 2],
    ['batch b', 1],
  ] as const) {
    const actors = (await history({ customerId })).map((row) => row['actor']);
    expect(actors).toEqual(
      Array.from({ length: times }, () => ({ caller: 'support', actor: 'jane', requestId: 'of-a-batch' })),
    );
  }
});

describe('what time alone brings', () => {
  test('is by whoever writes next, where somebody writes', async () => {
    const customerId = 'due';
    const soon = at(time.now + 1_000);
    await as('support', 'jane').answer('CreateGrant', grantRequest({ customerId, effectiveAt: soon }));
    time.now += 2_000;
    await as('billing', 'joe').answer('ConsumeCredits', spendRequest({ customerId }));

    const { grants } = await billing.answer('ListGrants', { customerId });
    expect(grants[0].actor.actor).toBe('jane');
    expect((await journal(customerId)).map((row) => [row['kind'], row['actor'].actor])).toEqual([
      ['TRANSACTION_KIND_ISSUE', 'joe'],
      ['TRANSACTION_KIND_CONSUME', 'joe'],
    ]);
  });

  test('is by nobody while it is not booked', async () => {
    const customerId = 'left alone';
    const expiresAt = at(time.now + 1_000);
    await as('support', 'jane').answer('CreateGrant', grantRequest({ customerId, expiresAt }));
    time.now += 2_000;
    const [expired] = await history({ customerId });

    expect(expired).toMatchObject({ type: 'TRANSACTION_TYPE_EXPIRED', forecast: true });
    expect(expired!['actor']).toBeUndefined();
  });
});

test('the feed tells it, of a customer and of a namespace', async () => {
  const namespace = 'followed';
  const request = grantRequest({ namespace, customerId: 'ada' });
  await as('support', 'jane', 'fed').answer('CreateGrant', request);

  for (const of of [{ namespace }, { namespace, customerId: 'ada' }]) {
    const feed = watchTransactions(open.url, of, time);
    const { event } = await feed.next();
    feed.end();
    expect(event).toMatchObject({
      case: 'transaction',
      value: {
        actor: { caller: 'support', actor: 'jane', requestId: 'fed' },
        entries: [{ actor: { caller: 'support' } }, {}, {}, {}],
      },
    });
  }
});

describe('a list of what one did', () => {
  const customerId = 'of many';
  const acts = async () => {
    await as('support', 'jane').answer('CreateGrant', grantRequest({ customerId, name: 'by jane' }));
    await as('support', 'billing').answer('CreateGrant', grantRequest({ customerId, name: 'for billing' }));
    await as('billing', 'jane').answer('CreateGrant', grantRequest({ customerId, name: 'for jane' }));
    await billing.answer('CreateGrant', grantRequest({ customerId, name: 'by billing' }));
  };

  test('has what the caller of that name did, and what others did on behalf of one', async () => {
    await acts();
    const names = async (actor: string) => {
      const { grants = [] } = await billing.answer('ListGrants', { customerId, actor });
      const rows = await history({ customerId, actor });
      expect(rows.map((row) => row['name'])).toEqual(grants.map((one: Json) => one['name']));
      return grants.map((one: Json) => one['name']);
    };

    expect(await names('jane')).toEqual(['for jane', 'by jane']);
    expect(await names('billing')).toEqual(['by billing', 'for jane', 'for billing']);
    expect(await names('support')).toEqual(['for billing', 'by jane']);
    expect(await names('Jane')).toEqual([]);
  });

  test('leaves out what lies ahead, which nobody has done', async () => {
    const ahead = { asOf: at(day(900)) };
    await as('support', 'jane').answer(
      'CreateGrant',
      grantRequest({ customerId: 'ahead', expiresAt: at(day(800)) }),
    );

    expect((await history({ customerId: 'ahead', ...ahead })).map((row) => row['forecast'] ?? false)).toEqual(
      [true, false],
    );
    expect(await history({ customerId: 'ahead', ...ahead, actor: 'jane' })).toHaveLength(1);
  });
});

test('all of it is sound', async () => {
  const { findings, summary } = await verified(open.url, {});

  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(summary).toMatchObject({ verdict: VerifyVerdict.SOUND });
});
