import { describe, expect, test } from 'vitest';
import { grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Law 6: a batch of n equals the n single requests in order, also where some items take longer to prepare. */

const { caller, another } = await testWorld();

const paid = { funding: { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'USD' } };
const versionsOf = ({ results }: Json): readonly string[] =>
  (results as Json[]).map(({ version }) => version);

describe('the items of a batch are done in order', () => {
  test('when the first is paid for and the second is not', async () => {
    const answer = await caller.answer('BatchCreateGrants', {
      requests: [grantRequest({ customerId: 'a', ...paid }), grantRequest({ customerId: 'a' })],
    });

    expect(versionsOf(answer)).toEqual(['1', '2']);
  });

  test('when the first is in a custom unit that this instance has not met', async () => {
    await caller.answer('CreateCurrency', { code: 'TOKENS', name: 'Tokens', precision: 0 });
    const stranger = await another();
    const answer = await stranger.answer('BatchCreateGrants', {
      requests: [grantRequest({ customerId: 'b', currency: 'TOKENS' }), grantRequest({ customerId: 'b' })],
    });

    expect(versionsOf(answer)).toEqual(['1', '2']);
  });

  test('when all are in a custom unit that this instance has not met', async () => {
    await caller.answer('CreateCurrency', { code: 'CALLS', name: 'Calls', precision: 0 });
    await caller.answer(
      'CreateGrant',
      grantRequest({ customerId: 'c', currency: 'CALLS', amount: '100000' }),
    );
    const stranger = await another();
    const answer = await stranger.answer('BatchConsumeCredits', {
      requests: Array.from({ length: 200 }, () => spendRequest({ customerId: 'c', currency: 'CALLS' })),
    });

    expect(versionsOf(answer)).toEqual(Array.from({ length: 200 }, (_, i) => String(i + 2)));
  });
});
