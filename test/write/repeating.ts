import { day } from '../support/builders.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import type { Caller } from '../support/caller.ts';
import type { Json } from '../support/service.ts';

let customers = 0;
export const newCustomer = (): string => `customer ${(customers += 1)}`;

export type Funded = { readonly customerId: string; readonly grantId: string };

/** A customer with 100 USD, and the grant they are of. */
export async function fundedBy(caller: Caller): Promise<Funded> {
  const customerId = newCustomer();
  const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
  return { customerId, grantId: grant.id };
}

/** What a repeat is answered. */
export const replayOf = (first: Json): Json =>
  'results' in first
    ? { results: (first['results'] as Json[]).map((result) => ({ ...result, replayed: true })) }
    : { ...first, replayed: true };

/** Every write there is, with as much content as it takes, for a customer with 100 USD. */
export const WRITES: Readonly<Record<string, (given: Funded) => object>> = {
  CreateGrant: ({ customerId }) =>
    grantRequest({
      customerId,
      description: 'more',
      labels: { plan: 'pro' },
      priority: 5,
      featureKeys: ['a', 'b'],
      effectiveAt: at(day(2)),
      expiresAt: at(day(3)),
      funding: { method: 'FUNDING_METHOD_EXTERNAL', purchaseCurrency: 'EUR', perUnitCostBasis: '0.5' },
      tax: { code: 'VAT' },
    }),
  ConsumeCredits: ({ customerId }) =>
    spendRequest({
      customerId,
      amount: '130',
      ...CREDIT_ONLY,
      featureKey: 'a',
      bookedAt: at(day(1)),
      name: 'a spend',
      labels: { order: '1' },
      tax: { code: 'VAT' },
    }),
  VoidGrant: ({ customerId, grantId }) => ({ customerId, grantId, reason: 'a mistake' }),
  BatchCreateGrants: ({ customerId }) => ({
    requests: ['k1', 'k2'].map((idempotencyKey) => grantRequest({ customerId, idempotencyKey })),
  }),
  BatchConsumeCredits: ({ customerId }) => ({
    requests: ['k1', 'k2'].map((idempotencyKey) => spendRequest({ customerId, idempotencyKey })),
  }),
};
