import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount } from '../../amount.ts';
import type { AccountTotal } from '../../ledger/account-totals.ts';
import type { SubAccount } from '../../ledger/account.ts';
import type { ReadEntry, ReadTransaction } from '../../ledger/read-journal.ts';
import { TaxBehavior } from '#gen/credit/v1/common_pb.ts';
import {
  AccountType,
  ReceivableStage,
  type AccountSchema,
  type RouteSchema,
} from '#gen/ledger/v1/account_pb.ts';
import { TransactionKind, type EntrySchema, type TransactionSchema } from '#gen/ledger/v1/journal_pb.ts';
import { enumOf, timestampOf } from '../wire.ts';

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
  ...(tax !== null && {
    tax: { code: tax.code, behavior: tax.behavior === null ? 0 : enumOf(TaxBehavior, tax.behavior) },
  }),
});

export const encodeAccount = (
  customerId: string,
  { id, account, amount }: AccountTotal,
): MessageInitShape<typeof AccountSchema> => ({
  ...{ id: id ?? '', customerId, accountType: enumOf(AccountType, account.type) },
  ...{ currency: account.currency, route: encodeRoute(account), balance: formatAmount(amount) },
});

export const encodeEntry = (customerId: string, entry: ReadEntry): MessageInitShape<typeof EntrySchema> => {
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
  entries: transaction.entries.map((entry) => encodeEntry(customerId, entry)),
});

/** What a write has made, where it made anything. */
export const encodeMade = (
  customerId: string,
  made: ReadTransaction | undefined,
): MessageInitShape<typeof TransactionSchema> | undefined =>
  made === undefined ? undefined : encodeTransaction(customerId, made);
