import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Actor } from '../../actor.ts';
import { formatAmount, type Amount } from '../../amount.ts';
import type { Balance } from '../../credit/balance.ts';
import {
  leftToCollect,
  type Charge,
  type Collection,
  type Correction,
  type Slices,
} from '../../credit/charge.ts';
import type { GrantView } from '../../credit/grant-view.ts';
import type { Instant } from '../../instant.ts';
import type { BalanceSchema } from '#gen/credit/v1/balance_pb.ts';
import type { ChargeSchema } from '#gen/credit/v1/charge_pb.ts';
import { ChargeStatus, ChargeType, SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import type { CollectionSchema, CorrectionSchema } from '#gen/credit/v1/charge_change_pb.ts';
import { AvailabilityPolicy, FundingMethod, SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import type { GrantSchema } from '#gen/credit/v1/grant_pb.ts';
import { GrantStatus } from '#gen/credit/v1/grant_pb.ts';
import { encodeActor, encodeTax, enumOf, timestampOf } from '../wire.ts';
import type { CustomCurrency } from '../../tables/currencies.ts';
import type { CustomCurrencySchema } from '#gen/credit/v1/currency_pb.ts';

/** What answers have in common, from the terms of the core to messages. */

export const encodeBalance = (
  balance: { readonly currency: string } & Partial<Balance>,
): MessageInitShape<typeof BalanceSchema> => ({
  currency: balance.currency,
  settled: amountIfAny(balance.settled),
  live: amountIfAny(balance.live),
  pending: amountIfAny(balance.pending),
});

const amountIfAny = (amount: Amount | undefined) => (amount === undefined ? undefined : formatAmount(amount));

export function encodeGrant(
  customerId: string,
  view: GrantView,
  maker: Actor | null,
): MessageInitShape<typeof GrantSchema> {
  const { grant } = view;
  const { funding, details } = grant;
  const paid = funding.method !== 'NONE';
  return {
    id: grant.id,
    customerId,
    name: details.name,
    description: details.description,
    labels: details.labels,
    currency: grant.currency,
    amount: formatAmount(grant.amount),
    priority: grant.priority,
    featureKeys: [...grant.featureKeys],
    effectiveAt: timestampOf(grant.effectiveAt),
    expiresAt: timestampOf(grant.expiresAt),
    funding: {
      method: enumOf(FundingMethod, funding.method),
      availabilityPolicy: enumOf(AvailabilityPolicy, funding.policy),
      purchaseCurrency: funding.purchaseCurrency ?? '',
      perUnitCostBasis: paid ? formatAmount(funding.costBasis) : '',
      purchaseAmount: paid ? formatAmount(funding.purchaseAmount) : '',
      settlementStatus: funding.status === null ? 0 : enumOf(SettlementStatus, funding.status),
      issuedAt: timestampOf(funding.issuedAt),
      authorizedAt: timestampOf(funding.authorizedAt),
      settledAt: timestampOf(funding.settledAt),
      failedAt: timestampOf(funding.failedAt),
      invoiceId: funding.invoiceId ?? '',
    },
    tax: encodeTax(grant.tax),
    status: view.status === null ? 0 : enumOf(GrantStatus, view.status),
    pendingAmount: formatAmount(view.pending),
    remainingAmount: formatAmount(view.remaining),
    consumedAmount: formatAmount(view.consumed),
    expiredAmount: formatAmount(view.expired),
    voidedAmount: formatAmount(view.voided),
    bookedAt: timestampOf(view.bookedAt),
    voidedAt: timestampOf(grant.voidedAt),
    voidReason: grant.voidReason ?? '',
    recordedAt: timestampOf(grant.recordedAt),
    idempotencyKey: details.idempotencyKey ?? '',
    actor: encodeActor(maker),
  };
}

export const encodeCharge = (
  customerId: string,
  charge: Charge,
  maker: Actor | null,
): MessageInitShape<typeof ChargeSchema> => ({
  id: charge.id,
  customerId,
  type: enumOf(ChargeType, charge.type),
  settlementMode: enumOf(SettlementMode, charge.mode),
  status: enumOf(ChargeStatus, charge.status),
  currency: charge.currency,
  amount: formatAmount(charge.amount),
  collectedAmount: formatAmount(charge.collected),
  advancedAmount: formatAmount(charge.advanced),
  invoicedAmount: formatAmount(charge.invoiced),
  outstandingAmount: formatAmount(leftToCollect(charge)),
  featureKey: charge.featureKey ?? '',
  name: charge.details.name,
  labels: charge.details.labels,
  tax: encodeTax(charge.tax),
  startsAt: timestampOf(charge.startsAt),
  recordedAt: timestampOf(charge.recordedAt),
  holdExpiresAt: timestampOf(charge.holdExpiresAt),
  ...(charge.sequence !== null && { sequence: BigInt(charge.sequence) }),
  finalizedAt: charge.status === 'FINAL' ? timestampOf(charge.closedAt) : undefined,
  canceledAt: charge.status === 'CANCELED' ? timestampOf(charge.closedAt) : undefined,
  idempotencyKey: charge.details.idempotencyKey ?? '',
  actor: encodeActor(maker),
});

export const encodeCollection = (
  collection: Collection,
  bookedAt: Instant,
): MessageInitShape<typeof CollectionSchema> => ({
  allocations: encodeSlices(collection.allocations),
  advancedAmount: formatAmount(collection.advanced),
  invoiceAmount: formatAmount(collection.invoiced),
  bookedAt: timestampOf(bookedAt),
});

export const encodeCorrection = (correction: Correction): MessageInitShape<typeof CorrectionSchema> => ({
  allocations: encodeSlices(correction.allocations),
  advanceReducedAmount: formatAmount(correction.advanceReduced),
});

export const encodeSlices = (slices: Slices): { grantId: string; amount: string }[] =>
  slices.map(({ grantId, amount }) => ({ grantId, amount: formatAmount(amount) }));

export const encodeCurrency = (currency: CustomCurrency): MessageInitShape<typeof CustomCurrencySchema> => ({
  code: currency.code,
  name: currency.name,
  precision: currency.precision,
  recordedAt: timestampOf(currency.recordedAt),
});
