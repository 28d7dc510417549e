import { ListTransactionsRequestSchema, TransactionKind } from '#gen/ledger/v1/journal_pb.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { listJournalTransactions } from '../../query/list-journal-transactions.ts';
import type { Remembered } from '../../tables/remembered.ts';
import { filterOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { pageTokens } from '../page-token.ts';
import { namesOf, textOf, timestampOf } from '../wire.ts';
import { answerIn } from '../write.ts';
import { encodeTransaction } from './encode.ts';
import { CURSOR, cursorAt, questionOf } from './journal-list.ts';

const TOKENS = pageTokens(ListTransactionsRequestSchema, CURSOR);

export const listTransactions: Handler<typeof LedgerService.method.listTransactions> = async (
  request,
  deps,
) => {
  const { rows, next, view } = await listJournalTransactions(deps, {
    ...questionOf(request, TOKENS.read(request)),
    kinds: namesOf(TransactionKind, request.kinds),
    groupId: filterOfKind('txn', request.groupId),
    idempotencyKey: textOf(request.idempotencyKey),
    versionOf,
  });
  return {
    transactions: rows.map((row) => encodeTransaction(request.customerId, row)),
    nextPageToken: TOKENS.write(request, cursorAt(view, next)),
    version: BigInt(view.version),
    knownAt: timestampOf(view.knownAt),
  };
};

/** The version in the remembered answer of a write: every write's answer has one. */
const versionOf = (remembered: Remembered): number =>
  Number((answerIn(remembered) as unknown as { readonly version: bigint }).version);
