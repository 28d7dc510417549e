import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Remembered } from '../../tables/remembered.ts';
import { listTransactions as answerTransactions } from '../../query/list-journal.ts';
import type { PostingKind } from '../../ledger/posting.ts';
import {
  ListTransactionsRequestSchema,
  TransactionKind,
  type ListTransactionsRequest,
  type ListTransactionsResponseSchema,
} from '#gen/ledger/v1/journal_pb.ts';
import { filterOfKind } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { pageTokens } from '../page-token.ts';
import { answerIn } from '../remembered-answer.ts';
import { nameOf, textOf, timestampOf } from '../wire.ts';
import { encodeTransaction } from './encode.ts';
import { CURSOR, cursorAt, questionOf } from './journal-list.ts';

const TOKENS = pageTokens(ListTransactionsRequestSchema, CURSOR);

export async function listTransactions(
  deps: ServiceDeps,
  request: ListTransactionsRequest,
): Promise<MessageInitShape<typeof ListTransactionsResponseSchema>> {
  const page = TOKENS.read(request);
  const { rows, next, view } = await answerTransactions(deps, {
    ...questionOf(request, page),
    kinds: request.kinds.map((kind) => nameOf<PostingKind>(TransactionKind, kind)!),
    groupId: filterOfKind('txn', request.groupId),
    idempotencyKey: textOf(request.idempotencyKey),
    versionOf,
  });
  return {
    transactions: rows.map((row) => encodeTransaction(request.customerId, row)),
    nextPageToken: next === null ? '' : TOKENS.write(request, cursorAt(view, next)),
    ...{ version: BigInt(view.version), knownAt: timestampOf(view.knownAt) },
  };
}

/** The version in the remembered answer of a write: every write's answer has one. */
const versionOf = (remembered: Remembered): number =>
  Number((answerIn(remembered) as unknown as { readonly version: bigint }).version);
