import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import type { UpdateSettlement } from '../../credit/commands/update-settlement.ts';
import { idOfKind } from '../decode.ts';
import { instantOf, nameOf, textOf } from '../wire.ts';
import { write } from '../write.ts';
import { grantAnswer } from './answer.ts';

export const updateGrantSettlement = write(
  CreditService.method.updateGrantSettlement,
  ({ grantId, status, occurredAt, invoiceId }): UpdateSettlement => ({
    kind: 'updateSettlement',
    grantId: idOfKind('grt', grantId),
    status: nameOf(SettlementStatus, status)!,
    occurredAt: instantOf(occurredAt),
    invoiceId: textOf(invoiceId),
  }),
  grantAnswer,
);
