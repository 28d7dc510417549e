import { multiplyRounded, parseAmount } from '../../amount.ts';
import type { Currencies } from '../../book/currencies.ts';
import { balanceOf } from '../../credit/balance.ts';
import type { CreateGrant, Expiry } from '../../credit/command.ts';
import { viewNow } from '../../credit/grant-view.ts';
import type { Funding } from '../../credit/grant.ts';
import { idOf } from '../../id.ts';
import { instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { ALL } from '../../scope.ts';
import type { CallContext } from '../context.ts';
import { repeatable } from '../repeatable.ts';
import { AvailabilityPolicy, FundingMethod, SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import {
  CreateGrantRequestSchema,
  CreateGrantResponseSchema,
  type CreateGrantRequest,
  type CreateGrantResponse,
} from '#gen/credit/v1/grant_pb.ts';
import { amountOf, keyOf, namespaceOf, taxOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';
import { encodeBalance, encodeGrant } from './encode.ts';

const DEFAULT_PRIORITY = 10;

export async function createGrant(
  deps: ServiceDeps,
  request: CreateGrantRequest,
  context: CallContext,
): Promise<CreateGrantResponse> {
  const key = keyOf(request);
  const command = await decode(deps, request);
  return deps.books.submit(
    repeatable({
      ...{ method: 'CreateGrant', input: CreateGrantRequestSchema, output: CreateGrantResponseSchema },
      ...{ request, key, command, context },
      respond: ({ answer, state, version, recordedAt }) => ({
        grant: encodeGrant(key.customerId, viewNow(answer.grant, recordedAt)),
        balance: encodeBalance(balanceOf(state, answer.currency, ALL)),
        version: BigInt(version),
        recordedAt: timestampOf(recordedAt),
      }),
    }),
  );
}

async function decode({ currencies, uuids }: ServiceDeps, request: CreateGrantRequest): Promise<CreateGrant> {
  const amount = await amountOf(currencies, request);
  const { idempotencyKey, name, description, labels } = request;
  return {
    kind: 'createGrant',
    grantId: idOf('grt', uuids()),
    currency: request.currency,
    amount,
    priority: request.priority ?? DEFAULT_PRIORITY,
    featureKeys: request.featureKeys.toSorted(),
    tax: taxOf(request.tax),
    details: { idempotencyKey: textOf(idempotencyKey), name, description, labels },
    effectiveAt: instantOf(request.effectiveAt),
    expiry: expiryOf(request.expiry),
    funding: await fundingOf(currencies, request, amount),
  };
}

function expiryOf(expiry: CreateGrantRequest['expiry']): Expiry {
  if (expiry.case === 'expiresAt') return { kind: 'at', instant: instantOf(expiry.value)! };
  return expiry.case === 'expiresAfter' ? { kind: 'after', duration: expiry.value } : { kind: 'never' };
}

/** Promotional unless stated; purchase amount = amount × cost basis (default 1), rounded to the purchase currency. */
async function fundingOf(
  currencies: Currencies,
  request: CreateGrantRequest,
  amount: bigint,
): Promise<Funding> {
  const terms = request.funding;
  const method = terms === undefined ? 'NONE' : nameOf<Funding['method']>(FundingMethod, terms.method)!;
  if (terms === undefined || method === 'NONE') {
    const free = { purchaseCurrency: null, costBasis: 0n, purchaseAmount: 0n, status: null };
    return { method: 'NONE', policy: 'ON_CREATION', ...free };
  }
  const { purchaseCurrency } = terms;
  const field = 'funding.purchase_currency';
  const precision = await currencies.precisionOf(namespaceOf(request), purchaseCurrency, field);
  const costBasis = parseAmount(terms.perUnitCostBasis === '' ? '1' : terms.perUnitCostBasis);
  return {
    method,
    policy: nameOf<Funding['policy']>(AvailabilityPolicy, terms.availabilityPolicy) ?? 'ON_CREATION',
    purchaseCurrency,
    costBasis,
    purchaseAmount: multiplyRounded(amount, costBasis, precision),
    status: nameOf<NonNullable<Funding['status']>>(SettlementStatus, terms.initialSettlementStatus),
  };
}
