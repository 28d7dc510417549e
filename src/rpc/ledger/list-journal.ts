import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Remembered } from '../../tables/remembered.ts';
import type { BookView } from '../../book/view.ts';
import {
  listEntries as answerEntries,
  listTransactions as answerTransactions,
} from '../../query/list-journal.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { AccountType as Account } from '../../ledger/account.ts';
import type { JournalCursor } from '../../ledger/journal-pages.ts';
import type { PostingKind } from '../../ledger/posting.ts';
import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import {
  ListEntriesRequestSchema,
  ListTransactionsRequestSchema,
  TransactionKind,
  type ListEntriesRequest,
  type ListEntriesResponseSchema,
  type ListTransactionsRequest,
  type ListTransactionsResponseSchema,
} from '#gen/ledger/v1/journal_pb.ts';
import { currencyOf, filterOfKind, keyOf, momentOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { pageSizeOf, pageTokens, POSITION, VERSION } from '../page-token.ts';
import { momentOfPage, PINNED, pinnedTo, type Pinned } from '../pinned-pages.ts';
import { answerIn } from '../remembered-answer.ts';
import { instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { encodeEntry, encodeTransaction } from './encode.ts';

export async function listTransactions(
  deps: ServiceDeps,
  request: ListTransactionsRequest,
): Promise<MessageInitShape<typeof ListTransactionsResponseSchema>> {
  const page = TRANSACTION_TOKENS.read(request);
  const { rows, next, view } = await answerTransactions(deps, {
    ...questionOf(request, page),
    kinds: request.kinds.map((kind) => nameOf<PostingKind>(TransactionKind, kind)!),
    groupId: filterOfKind('txn', request.groupId),
    idempotencyKey: textOf(request.idempotencyKey),
    versionOf,
  });
  return {
    transactions: rows.map((row) => encodeTransaction(request.customerId, row)),
    nextPageToken: next === null ? '' : TRANSACTION_TOKENS.write(request, cursorAt(view, next)),
    ...{ version: BigInt(view.version), knownAt: timestampOf(view.knownAt) },
  };
}

export async function listEntries(
  deps: ServiceDeps,
  request: ListEntriesRequest,
): Promise<MessageInitShape<typeof ListEntriesResponseSchema>> {
  const page = ENTRY_TOKENS.read(request);
  const currency = await currencyOf(deps.currencies, request);
  const { rows, next, view } = await answerEntries(deps, {
    ...questionOf(request, page),
    ...{ transactionId: filterOfKind('txn', request.transactionId), currency },
    accountId: filterOfKind('acc', request.accountId),
    types: request.accountTypes.map((type) => nameOf<Account>(AccountType, type)!),
  });
  return {
    entries: rows.map((row) => encodeEntry(request.customerId, row)),
    nextPageToken: next === null ? '' : ENTRY_TOKENS.write(request, cursorAt(view, next)),
    ...{ version: BigInt(view.version), knownAt: timestampOf(view.knownAt) },
  };
}

type Cursor = Pinned & { readonly afterVersion: number; readonly position: number };

/** What both lists ask. */
function questionOf(request: ListEntriesRequest | ListTransactionsRequest, page: Cursor | undefined) {
  return {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion) },
    ...momentOfPage(momentOf({ knownAt: request.knownAt }), page),
    after: { version: page?.afterVersion ?? 0, position: page?.position ?? 0 },
    limit: pageSizeOf(request),
    bookedFrom: instantOf(request.bookedFrom) ?? ALWAYS,
    bookedTo: instantOf(request.bookedTo) ?? NEVER,
    ...{ grantId: filterOfKind('grt', request.grantId), chargeId: filterOfKind('chg', request.chargeId) },
  };
}

const CURSOR = { ...PINNED, afterVersion: VERSION, position: POSITION };
const TRANSACTION_TOKENS = pageTokens(ListTransactionsRequestSchema, CURSOR);
const ENTRY_TOKENS = pageTokens(ListEntriesRequestSchema, CURSOR);

const cursorAt = (view: BookView, { version, position }: JournalCursor): Cursor => ({
  ...{ ...pinnedTo(view), afterVersion: version, position },
});

/** The version in the remembered answer of a write: every write's answer has one. */
const versionOf = (remembered: Remembered): number =>
  Number((answerIn(remembered) as unknown as { readonly version: bigint }).version);
