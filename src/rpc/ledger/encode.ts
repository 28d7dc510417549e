import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Actor } from '../../actor.ts';
import { formatAmount } from '../../amount.ts';
import type { AccountTotal } from '../../ledger/account-totals.ts';
import type { SubAccount } from '../../ledger/account.ts';
import type { PostingKind } from '../../ledger/posting.ts';
import { asRead, type ReadEntry, type ReadTransaction } from '../../ledger/read-journal.ts';
import type { Decided } from '../../write/submission.ts';
import {
  AccountType,
  ReceivableStage,
  type AccountSchema,
  type RouteSchema,
} from '#gen/ledger/v1/account_pb.ts';
import { TransactionKind, type EntrySchema, type TransactionSchema } from '#gen/ledger/v1/journal_pb.ts';
import { encodeActor, encodeTax, enumOf, textOf, timestampOf } from '../wire.ts';

const encodeRoute = ({
  featureKeys,
  priority,
  costBasis,
  stage,
  tax,
}: SubAccount): MessageInitShape<typeof RouteSchema> => ({
  featureKeys: [...featureKeys],
  ...(priority !== null && { priority }),
  // Absent on the wire: unknown, the basis of an advance.
  ...(costBasis !== null && { costBasis: formatAmount(costBasis) }),
  stage: stage === null ? 0 : enumOf(ReceivableStage, stage),
  tax: encodeTax(tax),
});

export const encodeAccount = (
  customerId: string,
  { id, account, amount }: AccountTotal,
): MessageInitShape<typeof AccountSchema> => ({
  id: id ?? '',
  customerId,
  accountType: enumOf(AccountType, account.type),
  currency: account.currency,
  route: encodeRoute(account),
  balance: formatAmount(amount),
});

export const encodeEntry = (
  customerId: string,
  entry: ReadEntry,
  actor: Actor | null,
): MessageInitShape<typeof EntrySchema> => {
  const { account } = entry;
  return {
    id: entry.id,
    customerId,
    transactionId: entry.transactionId,
    position: entry.position,
    accountId: entry.accountId,
    accountType: enumOf(AccountType, account.type),
    currency: account.currency,
    route: encodeRoute(account),
    amount: formatAmount(entry.amount),
    runningTotal: formatAmount(entry.runningTotal),
    grantId: entry.grantId ?? '',
    chargeId: entry.chargeId ?? '',
    reversedEntryId: entry.reverses?.id ?? '',
    bookedAt: timestampOf(entry.bookedAt),
    recordedAt: timestampOf(entry.recordedAt),
    version: BigInt(entry.version),
    actor: encodeActor(actor),
  };
};

export const encodeTransaction = (
  customerId: string,
  transaction: ReadTransaction,
): MessageInitShape<typeof TransactionSchema> => ({
  id: transaction.id,
  customerId,
  kind: enumOf(TransactionKind, transaction.kind),
  groupId: transaction.groupId,
  bookedAt: timestampOf(transaction.bookedAt),
  recordedAt: timestampOf(transaction.recordedAt),
  version: BigInt(transaction.version),
  position: transaction.ordinal,
  idempotencyKey: transaction.idempotencyKey ?? '',
  hash: transaction.hash.toString('hex'),
  reversedTransactionId: transaction.reversedId ?? '',
  reason: transaction.reason ?? '',
  entries: transaction.entries.map((entry) => encodeEntry(customerId, entry, transaction.actor)),
  actor: encodeActor(transaction.actor),
});

/** The answer to a write that posts: the transaction of its kind that it made, if it made one. */
export function postingAnswer(
  {
    appended,
    version,
    recordedAt,
    actor,
  }: Pick<Decided<never>, 'appended' | 'version' | 'recordedAt' | 'actor'>,
  { customerId, idempotencyKey }: { readonly customerId: string; readonly idempotencyKey: string },
  kind: PostingKind,
  reversedId?: string,
) {
  const made = asRead(appended, kind, { idempotencyKey: textOf(idempotencyKey), actor }, reversedId);
  return {
    transaction: made === undefined ? undefined : encodeTransaction(customerId, made),
    version: BigInt(version),
    recordedAt: timestampOf(recordedAt),
  };
}
