import { grantRequest } from '../support/requests.ts';
import type { Caller } from '../support/caller.ts';
import type { Json } from '../support/service.ts';

let customers = 0;
export const newCustomer = (): string => `customer ${(customers += 1)}`;

/** A customer with 100 USD, and the grant they are of. */
export async function fundedBy(caller: Caller): Promise<{ customerId: string; grantId: string }> {
  const customerId = newCustomer();
  const { grant } = await caller.answer('CreateGrant', grantRequest({ customerId }));
  return { customerId, grantId: grant.id };
}

/** What a repeat is answered. */
export const replayOf = (first: Json): Json =>
  'results' in first
    ? { results: (first['results'] as Json[]).map((result) => ({ ...result, replayed: true })) }
    : { ...first, replayed: true };
