import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { ReverseManually } from '../../credit/commands/reverse-manually.ts';
import { idOfKind } from '../decode.ts';
import { write } from '../write.ts';
import { postingAnswer } from './encode.ts';

export const reverseTransaction = write(
  LedgerService.method.reverseTransaction,
  ({ transactionId, reason }): ReverseManually => ({
    kind: 'reverseManually',
    transactionId: idOfKind('txn', transactionId),
    reason,
  }),
  (decided, request) => postingAnswer(decided, request, 'REVERSE', request.transactionId),
);
