import { describe, expect, test } from 'vitest';
import { captureLog, type LogLine } from '../rpc/harness.ts';
import { callerOf, type Caller } from '../support/caller.ts';
import { at, CREDIT_ONLY, grantRequest, postRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** What the line of a call says: whom it was about, under which key, and what it made. */

const log = captureLog();
const { url, time } = await testWorld({ log: log.log });

let calls = 0;
/** What a call answers, and its line. */
async function lineOf<T>(ask: (caller: Caller) => Promise<T>): Promise<{ answer: T; line: LogLine }> {
  const requestId = `call-${(calls += 1)}`;
  const answer = await ask(
    callerOf({ url }, () => ({ 'x-request-id': requestId, 'credit-ledger-actor': 'jane' })),
  );
  return { answer, line: await log.line((one) => one['requestId'] === requestId) };
}

/** All that a line has of what it is about. */
const aboutOf = ({ line }: { readonly line: LogLine }) => {
  const { time: _time, level, msg, durationMs, requestId, protocol, caller, actor, ...about } = line;
  expect([level, msg, protocol, caller, actor]).toEqual(['info', 'rpc', 'connect', 'anonymous', 'jane']);
  expect([durationMs, requestId]).toEqual([expect.any(Number), expect.any(String)]);
  return about;
};

const asked = (rpc: string, request: object) => lineOf((caller) => caller.answer(rpc, request));

test('of a write says whose book it changed, under which key, what it made and the version', async () => {
  const given = await asked('CreateGrant', grantRequest({ customerId: 'ada', idempotencyKey: 'g-1' }));
  expect(aboutOf(given)).toEqual({
    method: 'credit.v1.CreditService/CreateGrant',
    code: 'OK',
    namespace: 'default',
    customerId: 'ada',
    idempotencyKey: 'g-1',
    grantId: given.answer['grant'].id,
    version: 1,
  });

  const spend = spendRequest({ namespace: 'other', customerId: 'ada', ...CREDIT_ONLY });
  const spent = await asked('ConsumeCredits', spend);
  expect(aboutOf(spent)).toEqual({
    method: 'credit.v1.CreditService/ConsumeCredits',
    code: 'OK',
    namespace: 'other',
    customerId: 'ada',
    chargeId: spent.answer['charge'].id,
    version: 1,
  });

  const posted = await asked('PostTransaction', postRequest({ customerId: 'ada' }));
  expect(aboutOf(posted)).toMatchObject({ transactionId: posted.answer['transaction'].id, version: 2 });
  const adjustment = { customerId: 'ada', currency: 'USD', amount: '1', reason: 'sorry' };
  const adjusted = await asked('CreateAdjustment', adjustment);
  expect(aboutOf(adjusted)).toMatchObject({
    grantId: adjusted.answer['grant'].id,
    transactionId: adjusted.answer['transaction'].id,
  });
});

test('of a write that changes a grant names it', async () => {
  const customerId = 'voids';
  const { answer } = await asked('CreateGrant', grantRequest({ customerId }));
  const voided = await asked('VoidGrant', { customerId, grantId: answer['grant'].id });

  expect(aboutOf(voided)).toMatchObject({ grantId: answer['grant'].id, version: 2 });
});

test('of a repeat says so, and not that it made anything', async () => {
  const request = grantRequest({ customerId: 'again', idempotencyKey: 'k' });
  await asked('CreateGrant', request);

  const { grantId, version, ...about } = aboutOf(await asked('CreateGrant', request));
  expect([grantId, version]).toEqual([undefined, undefined]);
  expect(about).toMatchObject({ customerId: 'again', idempotencyKey: 'k', replayed: true });
});

test('of a dry run says so, and not that it made anything', async () => {
  const spend = spendRequest({ customerId: 'dry', ...CREDIT_ONLY, dryRun: true });

  expect(aboutOf(await asked('ConsumeCredits', spend))).toEqual({
    method: 'credit.v1.CreditService/ConsumeCredits',
    code: 'OK',
    namespace: 'default',
    customerId: 'dry',
    dryRun: true,
  });
});

test('of a batch counts its items, and those that were refused', async () => {
  const requests = ['5', '0.001', '1'].map((amount) => grantRequest({ amount }));

  expect(aboutOf(await asked('BatchCreateGrants', { requests }))).toEqual({
    method: 'credit.v1.CreditService/BatchCreateGrants',
    code: 'OK',
    namespace: 'default',
    items: 3,
    refused: 1,
  });
});

test('of a question says whom it asks about', async () => {
  expect(aboutOf(await asked('GetBalance', { customerId: 'ada', asOf: at(time.now) }))).toEqual({
    method: 'credit.v1.CreditService/GetBalance',
    code: 'OK',
    namespace: 'default',
    customerId: 'ada',
  });
});

describe('of a call that is refused', () => {
  const refused = (rpc: string, request: object) => lineOf((caller) => caller.refusal(rpc, request));

  test('says the same of what was asked', async () => {
    const spend = spendRequest({ customerId: 'poor', idempotencyKey: 'k' });

    expect(aboutOf(await refused('ConsumeCredits', spend))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'INSUFFICIENT_CREDIT',
      namespace: 'default',
      customerId: 'poor',
      idempotencyKey: 'k',
    });
  });

  test('says no more than the beginning of what is too long', async () => {
    const long = 'x'.repeat(100_000);
    const request = grantRequest({ namespace: long, customerId: long, idempotencyKey: long });
    const about: Json = aboutOf(await refused('CreateGrant', request));

    for (const field of ['namespace', 'customerId', 'idempotencyKey']) {
      expect(about[field]).toBe('x'.repeat(256));
    }
  });

  test('says nothing of what cannot be read', async () => {
    const about = aboutOf(await refused('CreateGrant', { customerId: 7 }));

    expect(about).not.toHaveProperty('customerId');
    expect(about).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
