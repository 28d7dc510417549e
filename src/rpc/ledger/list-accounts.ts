import type { MessageInitShape } from '@bufbuild/protobuf';
import { listAccounts as answerAccounts, placeOf } from '../../credit/query/list-accounts.ts';
import type { AccountType as Account } from '../../ledger/account.ts';
import {
  AccountType,
  ListAccountsRequestSchema,
  type ListAccountsRequest,
  type ListAccountsResponseSchema,
} from '#gen/ledger/v1/account_pb.ts';
import type { CallContext } from '../context.ts';
import { currencyOf, momentOf, namespaceOf } from '../credit/decode.ts';
import type { ServiceDeps } from '../credit/deps.ts';
import { pageSizeOf, pageTokenMismatch, readPageToken, writePageToken } from '../page-token.ts';
import { nameOf, textOf, timestampOf } from '../wire.ts';
import { encodeAccount } from './encode.ts';

export async function listAccounts(
  deps: ServiceDeps,
  request: ListAccountsRequest,
  { signal }: CallContext,
): Promise<MessageInitShape<typeof ListAccountsResponseSchema>> {
  const cursor = readPageToken(ListAccountsRequestSchema, request);
  // A page goes on from the moment of the first: balances of one list are of one instant.
  const moment =
    cursor === undefined ? momentOf(request) : { asOf: Number(cursor[0]), knownAt: Number(cursor[1]) };
  const question = {
    ...{ namespace: namespaceOf(request), customerId: textOf(request.customerId), ...moment },
    minVersion: Number(request.minVersion),
    filter: {
      types: request.accountTypes.map((type) => nameOf<Account>(AccountType, type)!),
      currency: await currencyOf(deps.currencies, request),
    },
    after: cursor?.[2] ?? null,
    limit: pageSizeOf(request),
  };
  const answer = await answerAccounts(deps, question, signal);
  const { accounts = pageTokenMismatch(), more, version, asOf, knownAt } = answer;
  const last = accounts.at(-1);
  return {
    accounts: accounts.map((account) => encodeAccount(request.customerId, account)),
    nextPageToken:
      more && last !== undefined
        ? writePageToken(ListAccountsRequestSchema, request, [
            ...[String(asOf), String(knownAt), placeOf(last)],
          ])
        : '',
    ...{ version: BigInt(version), asOf: timestampOf(asOf), knownAt: timestampOf(knownAt) },
  };
}
