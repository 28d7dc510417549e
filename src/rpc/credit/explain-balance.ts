import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount, sumAmounts } from '../../amount.ts';
import { outstanding, weighsFrom } from '../../credit/charge.ts';
import type { Exclusion, ExplainedCharge } from '../../credit/explain.ts';
import {
  explainBalance as answerExplanation,
  type ExplainedGrant,
  type Explanation,
} from '../../query/explain-balance.ts';
import type { BalancePart } from '../../credit/figures.ts';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import {
  ExclusionReason,
  type ExplainedAdvanceSchema,
  type ExplainedChargeSchema,
  type ExplainedGrantSchema,
} from '#gen/credit/v1/explain_pb.ts';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { askedAt, currencyOf, partsOf, scopeOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { enumOf, momentFacts, timestampOf } from '../wire.ts';
import { encodeBalance, encodeSlices } from './encode.ts';

export const explainBalance: Handler<typeof CreditService.method.explainBalance> = async (request, deps) => {
  const parts = partsOf(request.parts);
  const { view, balance, grants, more, advances, charges } = await answerExplanation(deps, {
    ...askedAt(request),
    currency: await currencyOf(deps.currencies, request),
    scope: scopeOf(request.featureFilter),
    parts,
  });
  return {
    balance: encodeBalance(balance),
    grants: grants.map((grant) => encodeExplainedGrant(grant, parts)),
    moreExcludedGrants: more,
    advances: advances.map(encodeExplainedAdvance),
    charges: charges.map(encodeExplainedCharge),
    ...momentFacts(view),
  };
};

function encodeExplainedGrant(
  { grant, exclusion, settled, pending }: ExplainedGrant,
  parts: ReadonlySet<BalancePart>,
): MessageInitShape<typeof ExplainedGrantSchema> {
  return {
    name: grant.details.name,
    grantId: grant.id,
    exclusion: reasonOf(exclusion),
    settledAmount: parts.has('settled') || parts.has('live') ? formatAmount(settled) : '',
    pendingAmount: parts.has('pending') ? formatAmount(pending) : '',
    amount: formatAmount(grant.amount),
    effectiveAt: timestampOf(grant.effectiveAt),
    expiresAt: timestampOf(grant.expiresAt),
    priority: grant.priority,
    featureKeys: [...grant.featureKeys],
  };
}

const encodeExplainedAdvance = ({
  advance,
  details,
  exclusion,
  settled,
}: Explanation['advances'][number]): MessageInitShape<typeof ExplainedAdvanceSchema> => ({
  name: details?.name ?? '',
  chargeId: advance.chargeId,
  exclusion: reasonOf(exclusion),
  settledAmount: formatAmount(settled),
  amount: formatAmount(advance.amount),
  bookedAt: timestampOf(advance.at),
  featureKey: advance.featureKey ?? '',
});

function encodeExplainedCharge({
  charge,
  exclusion,
  amount,
  taken,
}: ExplainedCharge): MessageInitShape<typeof ExplainedChargeSchema> {
  const covered = sumAmounts(taken.map((slice) => slice.amount));
  return {
    name: charge.details.name,
    chargeId: charge.id,
    exclusion: reasonOf(exclusion),
    liveAmount: formatAmount(-amount),
    allocations: encodeSlices(taken),
    uncoveredAmount: formatAmount(amount - covered),
    outstandingAmount: formatAmount(outstanding(charge)),
    settlementMode: enumOf(SettlementMode, charge.mode),
    startsAt: timestampOf(weighsFrom(charge)),
    holdExpiresAt: timestampOf(charge.holdExpiresAt),
    featureKey: charge.featureKey ?? '',
  };
}

const reasonOf = (exclusion: Exclusion | null): ExclusionReason =>
  exclusion === null ? ExclusionReason.UNSPECIFIED : enumOf(ExclusionReason, exclusion);
