import { AccountType, ListAccountsRequestSchema } from '#gen/ledger/v1/account_pb.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { listAccounts as answerAccounts, cursorOf } from '../../query/list-accounts.ts';
import { filterOfCurrency, momentOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { pageSizeOf, pageTokenMismatch, pageTokens, textPart } from '../page-token.ts';
import { ofPage, PINNED, pinnedTo } from '../pinned-pages.ts';
import { momentFacts, namesOf, namespaceOf, textOf } from '../wire.ts';
import { encodeAccount } from './encode.ts';

const TOKENS = pageTokens(ListAccountsRequestSchema, { ...PINNED, after: textPart(/^[0-9a-f]{32}$/) });

export const listAccounts: Handler<typeof LedgerService.method.listAccounts> = async (
  request,
  deps,
  { signal },
) => {
  const page = TOKENS.read(request);
  const question = {
    ...ofPage(momentOf(request), page),
    namespace: namespaceOf(request),
    customerId: textOf(request.customerId),
    minVersion: Number(request.minVersion),
    filter: {
      types: namesOf(AccountType, request.accountTypes),
      currency: await filterOfCurrency(deps.currencies, request),
    },
    after: page?.after ?? null,
    limit: pageSizeOf(request),
  };
  const { accounts = pageTokenMismatch(), more, view } = await answerAccounts(deps, question, signal);
  const next = () => ({ ...pinnedTo(view), after: cursorOf(accounts.at(-1)!) });
  return {
    accounts: accounts.map((account) => encodeAccount(request.customerId, account)),
    nextPageToken: TOKENS.write(request, more ? next() : null),
    ...momentFacts(view),
  };
};
