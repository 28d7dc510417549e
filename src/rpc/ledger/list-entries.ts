import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import { ListEntriesRequestSchema } from '#gen/ledger/v1/journal_pb.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { listEntries as answerEntries } from '../../query/list-entries.ts';
import { filterOfCurrency, filterOfKind } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { pageTokens } from '../page-token.ts';
import { namesOf, timestampOf } from '../wire.ts';
import { encodeEntry } from './encode.ts';
import { CURSOR, cursorAt, questionOf } from './journal-list.ts';

const TOKENS = pageTokens(ListEntriesRequestSchema, CURSOR);

export const listEntries: Handler<typeof LedgerService.method.listEntries> = async (request, deps) => {
  const page = TOKENS.read(request);
  const currency = await filterOfCurrency(deps.currencies, request);
  const { rows, next, view } = await answerEntries(deps, {
    ...questionOf(request, page),
    currency,
    transactionId: filterOfKind('txn', request.transactionId),
    accountId: filterOfKind('acc', request.accountId),
    types: namesOf(AccountType, request.accountTypes),
  });
  return {
    entries: rows.map((row) => encodeEntry(request.customerId, row, row.actor)),
    nextPageToken: TOKENS.write(request, cursorAt(view, next)),
    version: BigInt(view.version),
    knownAt: timestampOf(view.knownAt),
  };
};
