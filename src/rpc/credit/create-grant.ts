import { isNameable, multiplyRounded, parseAmount } from '../../amount.ts';
import type { Submission } from '../../write/submission.ts';
import type { Currencies } from '../../tables/currencies.ts';
import type { CreateGrant, Expiry } from '../../credit/commands/create-grant.ts';
import {
  DEFAULT_PRIORITY,
  PROMOTIONAL,
  type FundingTerms,
  type SettlementStatus as SettlementStep,
} from '../../credit/grant.ts';
import { idOf } from '../../id.ts';
import { refuseFields } from '../../refusal.ts';
import { instantOf, nameOf, textOf } from '../wire.ts';
import type { CallContext } from '../call/context.ts';
import { repeatable } from '../repeatable.ts';
import { AvailabilityPolicy, FundingMethod, SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import {
  CreateGrantRequestSchema,
  CreateGrantResponseSchema,
  type CreateGrantRequest,
  type CreateGrantResponse,
} from '#gen/credit/v1/grant_pb.ts';
import { grantAnswer } from './answer.ts';
import { amountOf, keyOf, namespaceOf, taxOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

export const createGrant = async (
  deps: ServiceDeps,
  request: CreateGrantRequest,
  context: CallContext,
): Promise<CreateGrantResponse> => deps.books.submit(await prepare(deps, request, context));

/** The write a request asks for. */
export async function prepare(
  deps: ServiceDeps,
  request: CreateGrantRequest,
  context: CallContext,
): Promise<Submission<CreateGrant, CreateGrantResponse>> {
  const key = keyOf(request);
  return repeatable({
    ...{ method: 'CreateGrant', input: CreateGrantRequestSchema, output: CreateGrantResponseSchema },
    ...{ request, key, context },
    command: await decode(deps, request),
    respond: (decided) => grantAnswer(key.customerId, decided),
  });
}

async function decode({ currencies, uuids }: ServiceDeps, request: CreateGrantRequest): Promise<CreateGrant> {
  const { currency, amount } = await amountOf(currencies, request);
  const { idempotencyKey, name, description, labels } = request;
  return {
    kind: 'createGrant',
    grantId: idOf('grt', uuids()),
    currency,
    amount,
    priority: request.priority ?? DEFAULT_PRIORITY,
    featureKeys: request.featureKeys.toSorted(),
    tax: taxOf(request.tax),
    details: { idempotencyKey: textOf(idempotencyKey), name, description, labels },
    effectiveAt: instantOf(request.effectiveAt),
    expiry: expiryOf(request.expiry),
    terms: await termsOf(currencies, request, amount),
    initialStatus: nameOf<SettlementStep>(SettlementStatus, request.funding?.initialSettlementStatus ?? 0),
  };
}

function expiryOf(expiry: CreateGrantRequest['expiry']): Expiry {
  if (expiry.case === 'expiresAt') return { kind: 'at', instant: instantOf(expiry.value)! };
  return expiry.case === 'expiresAfter' ? { kind: 'after', duration: expiry.value } : { kind: 'never' };
}

/** Promotional unless stated; purchase amount = amount × cost basis (default 1), rounded to the purchase currency. */
async function termsOf(
  currencies: Currencies,
  request: CreateGrantRequest,
  amount: bigint,
): Promise<FundingTerms> {
  const terms = request.funding;
  if (terms === undefined || terms.method === FundingMethod.NONE) return PROMOTIONAL;
  const { purchaseCurrency } = terms;
  const field = 'funding.purchase_currency';
  const precision = await currencies.precisionOf(namespaceOf(request), purchaseCurrency, field);
  const costBasis = parseAmount(terms.perUnitCostBasis === '' ? '1' : terms.perUnitCostBasis);
  const purchaseAmount = multiplyRounded(amount, costBasis, precision);
  if (!isNameable(purchaseAmount)) {
    const message = 'must not make the purchase amount longer than 18 digits before the point';
    refuseFields([{ field: 'funding.per_unit_cost_basis', rule: 'purchase_amount.size', message }]);
  }
  return {
    method: nameOf<FundingTerms['method']>(FundingMethod, terms.method)!,
    policy: nameOf<FundingTerms['policy']>(AvailabilityPolicy, terms.availabilityPolicy) ?? 'ON_CREATION',
    ...{ purchaseCurrency, costBasis, purchaseAmount, purchasePrecision: precision },
  };
}
