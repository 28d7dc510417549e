import type { MessageInitShape } from '@bufbuild/protobuf';
import { listAccounts as answerAccounts, placeOf } from '../../query/list-accounts.ts';
import type { AccountType as Account } from '../../ledger/account.ts';
import {
  AccountType,
  ListAccountsRequestSchema,
  type ListAccountsRequest,
  type ListAccountsResponseSchema,
} from '#gen/ledger/v1/account_pb.ts';
import type { CallContext } from '../call/context.ts';
import { currencyOf, momentOf, namespaceOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { pageSizeOf, pageTokenMismatch, pageTokens, textPart } from '../page-token.ts';
import { momentOfPage, PINNED } from '../pinned-pages.ts';
import { nameOf, textOf, timestampOf } from '../wire.ts';
import { encodeAccount } from './encode.ts';

const TOKENS = pageTokens(ListAccountsRequestSchema, { ...PINNED, after: textPart(/^[0-9a-f]{32}$/) });

export async function listAccounts(
  deps: ServiceDeps,
  request: ListAccountsRequest,
  { signal }: CallContext,
): Promise<MessageInitShape<typeof ListAccountsResponseSchema>> {
  const cursor = TOKENS.read(request);
  const question = {
    ...{ namespace: namespaceOf(request), customerId: textOf(request.customerId) },
    ...momentOfPage(momentOf(request), cursor),
    minVersion: Number(request.minVersion),
    filter: {
      types: request.accountTypes.map((type) => nameOf<Account>(AccountType, type)!),
      currency: await currencyOf(deps.currencies, request),
    },
    after: cursor?.after ?? null,
    limit: pageSizeOf(request),
  };
  const answer = await answerAccounts(deps, question, signal);
  const { accounts = pageTokenMismatch(), more, version, asOf, knownAt } = answer;
  const last = accounts.at(-1);
  return {
    accounts: accounts.map((account) => encodeAccount(request.customerId, account)),
    nextPageToken:
      more && last !== undefined
        ? TOKENS.write(request, { asOf, knownAt, version, after: placeOf(last) })
        : '',
    ...{ version: BigInt(version), asOf: timestampOf(asOf), knownAt: timestampOf(knownAt) },
  };
}
