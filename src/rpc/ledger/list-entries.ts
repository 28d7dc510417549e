import type { MessageInitShape } from '@bufbuild/protobuf';
import { listEntries as answerEntries } from '../../query/list-journal.ts';
import type { AccountType as Account } from '../../ledger/account.ts';
import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import {
  ListEntriesRequestSchema,
  type ListEntriesRequest,
  type ListEntriesResponseSchema,
} from '#gen/ledger/v1/journal_pb.ts';
import { currencyOf, filterOfKind } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { pageTokens } from '../page-token.ts';
import { nameOf, timestampOf } from '../wire.ts';
import { encodeEntry } from './encode.ts';
import { CURSOR, cursorAt, questionOf } from './journal-list.ts';

const TOKENS = pageTokens(ListEntriesRequestSchema, CURSOR);

export async function listEntries(
  deps: ServiceDeps,
  request: ListEntriesRequest,
): Promise<MessageInitShape<typeof ListEntriesResponseSchema>> {
  const page = TOKENS.read(request);
  const currency = await currencyOf(deps.currencies, request);
  const { rows, next, view } = await answerEntries(deps, {
    ...questionOf(request, page),
    ...{ transactionId: filterOfKind('txn', request.transactionId), currency },
    accountId: filterOfKind('acc', request.accountId),
    types: request.accountTypes.map((type) => nameOf<Account>(AccountType, type)!),
  });
  return {
    entries: rows.map((row) => encodeEntry(request.customerId, row)),
    nextPageToken: next === null ? '' : TOKENS.write(request, cursorAt(view, next)),
    ...{ version: BigInt(view.version), knownAt: timestampOf(view.knownAt) },
  };
}
