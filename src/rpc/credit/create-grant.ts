import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { AvailabilityPolicy, FundingMethod, SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import type { CreateGrantRequest } from '#gen/credit/v1/grant_pb.ts';
import { isNameable, multiplyRounded, parseAmount, type Amount } from '../../amount.ts';
import type { CreateGrant } from '../../credit/commands/create-grant.ts';
import { DEFAULT_PRIORITY, PROMOTIONAL, type FundingTerms } from '../../credit/grant.ts';
import { idOf } from '../../id.ts';
import { refuseFields } from '../../refusal.ts';
import type { Currencies } from '../../tables/currencies.ts';
import { amountOf } from '../decode.ts';
import { instantOf, nameOf, namespaceOf, taxOf, textOf } from '../wire.ts';
import { write } from '../write.ts';
import { grantAnswer } from './answer.ts';

export const createGrant = write(
  CreditService.method.createGrant,
  async (request, { currencies, uuids }): Promise<CreateGrant> => {
    const { currency, amount } = await amountOf(currencies, request);
    const { idempotencyKey, name, description, labels, funding } = request;
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
      initialStatus: nameOf(SettlementStatus, funding?.initialSettlementStatus ?? 0),
    };
  },
  grantAnswer,
);

function expiryOf(expiry: CreateGrantRequest['expiry']): CreateGrant['expiry'] {
  if (expiry.case === 'expiresAt') return { kind: 'at', instant: instantOf(expiry.value)! };
  return expiry.case === 'expiresAfter' ? { kind: 'after', duration: expiry.value } : { kind: 'never' };
}

/** Promotional unless stated; purchase amount = amount × cost basis (default 1), rounded to the purchase currency. */
async function termsOf(
  currencies: Currencies,
  request: CreateGrantRequest,
  amount: Amount,
): Promise<FundingTerms> {
  const terms = request.funding;
  if (terms === undefined || terms.method === FundingMethod.NONE) return PROMOTIONAL;
  const { purchaseCurrency } = terms;
  const field = 'funding.purchase_currency';
  const purchasePrecision = await currencies.precisionOf(namespaceOf(request), purchaseCurrency, field);
  const costBasis = parseAmount(terms.perUnitCostBasis === '' ? '1' : terms.perUnitCostBasis);
  const purchaseAmount = multiplyRounded(amount, costBasis, purchasePrecision);
  if (!isNameable(purchaseAmount)) {
    const message = 'must not make the purchase amount longer than 18 digits before the point';
    refuseFields([{ field: 'funding.per_unit_cost_basis', rule: 'purchase_amount.size', message }]);
  }
  return {
    method: nameOf(FundingMethod, terms.method)!,
    policy: nameOf(AvailabilityPolicy, terms.availabilityPolicy) ?? 'ON_CREATION',
    purchaseCurrency,
    costBasis,
    purchaseAmount,
    purchasePrecision,
  };
}
