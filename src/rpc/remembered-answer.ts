import { fromBinary, type Message } from '@bufbuild/protobuf';
import type { Remembered } from '../tables/remembered.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';

/** What was answered first under a key, as the message it was. */
export function answerIn({ method, answer }: Remembered): Message {
  const { output } = [...CreditService.methods, ...LedgerService.methods].find(
    ({ name }) => name === method,
  )!;
  return fromBinary(output, answer);
}
