import type { Instant } from '../../src/instant.ts';
import { ALL, type Scope } from '../../src/scope.ts';
import type { Caller } from './caller.ts';
import { CURRENCIES } from './histories.ts';
import { at } from './requests.ts';
import type { Json } from './service.ts';

/** When a question is about, on both axes; left out: now, and all that is known. */
export type Asked = { readonly asOf?: Instant; readonly knownAt?: Instant };

export const momentOf = ({ asOf, knownAt }: Asked): object => ({
  ...(asOf !== undefined && { asOf: at(asOf) }),
  ...(knownAt !== undefined && { knownAt: at(knownAt) }),
});

/** Every scope in which figures of a random history can differ; nothing there is restricted to `c`. */
export const SCOPES: readonly Scope[] = [
  ALL,
  { kind: 'unrestricted' },
  ...['a', 'b', 'c'].map((featureKey): Scope => ({ kind: 'feature', featureKey })),
];

export const filterOf = (scope: Scope): object =>
  scope.kind === 'all'
    ? {}
    : { featureFilter: scope.kind === 'feature' ? { featureKey: scope.featureKey } : { unrestricted: true } };

/** What the service says of a customer's balances in every currency, in some scopes. */
export async function balancesOf(
  caller: Caller,
  customerId: string,
  asked: Asked = {},
  scopes: readonly Scope[] = SCOPES,
): Promise<readonly Json[]> {
  const request = { customerId, currencies: CURRENCIES, ...momentOf(asked) };
  const answers = await Promise.all(
    scopes.map((scope) => caller.answer('GetBalance', { ...request, ...filterOf(scope) })),
  );
  return answers.map(({ balances }) => balances);
}

/** How a grant stands: its status and the five parts of its amount. */
export type Standing = {
  readonly status: string;
  readonly pending: string;
  readonly remaining: string;
  readonly consumed: string;
  readonly expired: string;
  readonly voided: string;
};

export const standingOf = (grant: Json): Standing => ({
  status: String(grant['status'] ?? 'none').replace('GRANT_STATUS_', ''),
  pending: grant['pendingAmount'],
  remaining: grant['remainingAmount'],
  consumed: grant['consumedAmount'],
  expired: grant['expiredAmount'],
  voided: grant['voidedAmount'],
});

/** How every grant of a customer stands, by id. */
export async function standingsOf(
  caller: Caller,
  customerId: string,
  asked: Asked = {},
): Promise<ReadonlyMap<string, Standing>> {
  const request = { customerId, pageSize: 1000, ...momentOf(asked) };
  const { grants = [] } = await caller.answer('ListGrants', request);
  return new Map((grants as Json[]).map((grant) => [grant['id'] as string, standingOf(grant)]));
}

/** One grant by its own question. */
export async function grantOf(
  caller: Caller,
  customerId: string,
  grantId: string,
  asked: Asked = {},
): Promise<Json> {
  return (await caller.answer('GetGrant', { customerId, grantId, ...momentOf(asked) }))['grant'];
}

/** Settled and pending in one currency, over everything. */
export async function figuresAt(
  caller: Caller,
  customerId: string,
  asked: Asked = {},
): Promise<[string, string]> {
  const { balances } = await caller.answer('GetBalance', {
    customerId,
    currencies: ['USD'],
    ...momentOf(asked),
  });
  return [balances[0].settled, balances[0].pending];
}
