import { createClient } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { RIGHTS } from '../../src/credentials/credential.ts';
import { aCredential, changingCredentials } from '../support/credentials.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { call } from '../support/service.ts';
import { transports } from '../support/transports.ts';
import { testWorld } from '../support/world.ts';

/** What of one namespace could be carried into another: items of batches, page tokens, cursors, ids. */

const ours = aCredential('ours', RIGHTS, ['ours']);
const both = aCredential('both', RIGHTS, ['ours', 'theirs']);
const { credentials } = changingCredentials(ours, both);

const { sql, another } = await testWorld();
const { url } = await another({ credentials });

const as = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` });
const ask = (who: typeof ours, rpc: string, request: object) =>
  call(url, `credit.v1.CreditService/${rpc}`, request, as(who));
async function answer(who: typeof ours, rpc: string, request: object) {
  const outcome = await ask(who, rpc, request);
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.answer;
}
async function refusal(who: typeof ours, rpc: string, request: object) {
  const outcome = await ask(who, rpc, request);
  if (outcome.ok) throw new Error(`${rpc} was to be refused`);
  return outcome.error;
}

describe('a batch', () => {
  test.each([
    ['BatchCreateGrants', 'GRANT', grantRequest()],
    ['BatchConsumeCredits', 'SPEND', spendRequest({ settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY' })],
  ])('%s: an item of a foreign namespace fails alone, and writes nothing', async (rpc, permission, item) => {
    const requests = [item, { ...item, namespace: 'theirs' }, { ...item, namespace: 'ours' }];
    const { results } = await answer(ours, rpc, { namespace: 'ours', requests });

    expect(results).toEqual([
      expect.objectContaining({ version: expect.any(String) }),
      {
        error: expect.objectContaining({
          code: 'PERMISSION_DENIED',
          reason: 'FORBIDDEN',
          metadata: { permission, namespace: 'theirs' },
        }),
      },
      expect.objectContaining({ version: expect.any(String) }),
    ]);
    expect(await sql.rows(`select 1 from books where namespace = 'theirs'`)).toEqual([]);
  });

  test('has a namespace for those items alone that name none', async () => {
    const requests = [grantRequest({ namespace: 'ours' }), grantRequest()];
    const { results } = await answer(ours, 'BatchCreateGrants', { namespace: 'theirs', requests });

    expect(results).toEqual([
      expect.objectContaining({ version: expect.any(String) }),
      { error: expect.objectContaining({ metadata: { permission: 'GRANT', namespace: 'theirs' } }) },
    ]);
  });

  test('in no namespace is in the default one', async () => {
    const { results } = await answer(ours, 'BatchCreateGrants', { requests: [grantRequest()] });

    expect(results).toEqual([
      { error: expect.objectContaining({ metadata: { permission: 'GRANT', namespace: 'default' } }) },
    ]);
  });
});

test('a page token of a foreign namespace opens nothing, here or there', async () => {
  for (let grants = 0; grants < 2; grants += 1)
    await answer(both, 'CreateGrant', grantRequest({ namespace: 'theirs', customerId: 'bob' }));
  const page = { namespace: 'theirs', customerId: 'bob', pageSize: 1 };
  const { nextPageToken: pageToken } = await answer(both, 'ListGrants', page);
  expect(await answer(both, 'ListGrants', { ...page, pageToken })).toMatchObject({ grants: [{}] });

  expect(await refusal(ours, 'ListGrants', { ...page, pageToken })).toMatchObject({
    reason: 'FORBIDDEN',
    metadata: { permission: 'READ', namespace: 'theirs' },
  });
  expect(await refusal(ours, 'ListGrants', { ...page, namespace: 'ours', pageToken })).toMatchObject({
    reason: 'PAGE_TOKEN_MISMATCH',
  });
});

test('an id of a foreign namespace is none here', async () => {
  const { grant } = await answer(
    both,
    'CreateGrant',
    grantRequest({ namespace: 'theirs', customerId: 'eve' }),
  );
  const named = { customerId: 'eve', grantId: grant.id as string };
  expect(await answer(both, 'GetGrant', { ...named, namespace: 'theirs' })).toMatchObject({ grant: {} });

  expect(await refusal(ours, 'GetGrant', { ...named, namespace: 'ours' })).toMatchObject({
    reason: 'GRANT_NOT_FOUND',
  });
});

test('a cursor of a foreign namespace opens nothing, here or there', async () => {
  await answer(both, 'CreateGrant', grantRequest({ namespace: 'theirs' }));
  const ledger = createClient(LedgerService, transports['gRPC over HTTP/2']!(url));
  const first = async (who: typeof ours, request: object) => {
    const stream = ledger.watchTransactions(request, { headers: as(who) })[Symbol.asyncIterator]();
    const { value } = await stream.next();
    await stream.return?.();
    return value as { cursor: string };
  };
  const { cursor } = await first(both, { namespace: 'theirs' });

  await expect(first(ours, { namespace: 'theirs', cursor })).rejects.toThrow('permission_denied');
  await expect(first(ours, { namespace: 'ours', cursor })).rejects.toThrow(
    'belongs to another namespace or customer',
  );
});

test('tokens of a quick start are good in every namespace', async () => {
  const tokens = tokenCredentials([{ name: 'a', permission: 'write', token: 'secret' }]);
  const quick = await another({ credentials: tokens });
  const request = grantRequest({ namespace: 'anywhere' });
  const headers = { authorization: 'Bearer secret' };

  expect(await call(quick.url, 'credit.v1.CreditService/CreateGrant', request, headers)).toMatchObject({
    ok: true,
  });
});
