import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ChargeStatus, ChargeType, SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { ConsumeCreditsRequestSchema, ConsumeCreditsResponseSchema } from '#gen/credit/v1/consumption_pb.ts';
import type { Spend, Spent } from './one-transaction.ts';

/** The answer the service gives to a spend, from what a baseline did. */
export function answerOf(spend: Spend, spent: Spent): MessageInitShape<typeof ConsumeCreditsResponseSchema> {
  const recordedAt = timestampFromDate(spent.recordedAt);
  const { currency, amount, name, customerId, idempotencyKey } = spend;
  return {
    charge: {
      id: `chg_${spent.chargeId.replaceAll('-', '')}`,
      customerId,
      idempotencyKey,
      name,
      currency,
      amount,
      type: ChargeType.FLAT_FEE,
      settlementMode: SettlementMode.PREPAID_ONLY,
      status: ChargeStatus.FINAL,
      collectedAmount: amount,
      advancedAmount: '0',
      invoicedAmount: '0',
      outstandingAmount: '0',
      startsAt: recordedAt,
      recordedAt,
      finalizedAt: recordedAt,
    },
    collection: {
      allocations: spent.allocations.map((part) => ({
        ...part,
        grantId: `grt_${part.grantId.replaceAll('-', '')}`,
      })),
      advancedAmount: '0',
      invoiceAmount: '0',
      bookedAt: recordedAt,
    },
    balance: { currency, settled: spent.settled, live: spent.settled, pending: '0' },
    version: BigInt(spent.version),
    recordedAt,
  };
}

/** An answer as large as a real one, of a server that does nothing. */
export const emptyAnswerOf = (spend: Spend): ReturnType<typeof answerOf> =>
  answerOf(spend, {
    chargeId: '0'.repeat(32),
    allocations: [{ grantId: '0'.repeat(32), amount: spend.amount }],
    settled: '99999999.99',
    version: 2,
    recordedAt: new Date(),
  });

/** What is remembered under a spend's key: what it asked, and what it was answered. */
export const requestBytes = ({ currency, amount, name }: Spend): Uint8Array =>
  toBinary(ConsumeCreditsRequestSchema, create(ConsumeCreditsRequestSchema, { currency, amount, name }));

export const answerBytes = (spend: Spend, spent: Spent): Uint8Array =>
  toBinary(ConsumeCreditsResponseSchema, create(ConsumeCreditsResponseSchema, answerOf(spend, spent)));
