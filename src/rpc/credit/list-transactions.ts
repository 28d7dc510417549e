import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount } from '../../amount.ts';
import { namesOf, type Named } from '../../credit/query/names.ts';
import {
  listTransactions as answerTransactions,
  type TransactionRow,
  type TransactionType as Type,
} from '../../credit/query/list-transactions.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { MovementKey } from '../../ledger/movements.ts';
import {
  ListTransactionsRequestSchema,
  TransactionType,
  type CreditTransactionSchema,
  type ListTransactionsRequest,
  type ListTransactionsResponseSchema,
} from '#gen/credit/v1/transaction_pb.ts';
import { pageSizeOf, readPageToken, writePageToken } from '../page-token.ts';
import { enumOf, instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { keyOf, momentOf, scopeOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';

export async function listTransactions(
  deps: ServiceDeps,
  request: ListTransactionsRequest,
): Promise<MessageInitShape<typeof ListTransactionsResponseSchema>> {
  const [direction, at, version, position, foreseenAt] =
    readPageToken(ListTransactionsRequestSchema, request) ?? [];
  const { view, rows, older, newer } = await answerTransactions(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion), ...momentOf(request) },
    ...(foreseenAt && { knownAt: Number(foreseenAt) }),
    types: request.types.map((type) => nameOf<Type>(TransactionType, type)!),
    currency: textOf(request.currency),
    scope: scopeOf(request.featureFilter),
    from: instantOf(request.bookedFrom) ?? ALWAYS,
    until: instantOf(request.bookedTo) ?? NEVER,
    cursor:
      direction === undefined
        ? null
        : {
            direction: direction === 'newer' ? 'newer' : 'older',
            beyond: { bookedAt: Number(at), version: Number(version), position: Number(position) },
          },
    limit: pageSizeOf(request),
  });
  const named = await namesOf(deps, view, rows);
  // What lies ahead keeps no place: a write gives it another. So all pages show it as it was foreseen for the first.
  const foreseen = foreseenAt ?? (view.asOf > view.now ? String(view.knownAt) : '');
  const token = (which: 'older' | 'newer', row: MovementKey | undefined) =>
    row === undefined
      ? ''
      : writePageToken(ListTransactionsRequestSchema, request, [
          ...[which, String(row.bookedAt), String(row.version), String(row.position), foreseen],
        ]);
  return {
    transactions: rows.map((row) => encodeRow(row, named)),
    nextPageToken: older ? token('older', rows.at(-1)) : '',
    previousPageToken: newer ? token('newer', rows[0]) : '',
    version: BigInt(view.version),
    asOf: timestampOf(view.asOf),
    knownAt: timestampOf(view.knownAt),
  };
}

/**
 * FUNDED, EXPIRED, VOIDED and ADJUSTED rows carry the name of their grant, CONSUMED and CORRECTED of their charge; credit taken by an
 * adjustment has none. */
const encodeRow = (row: TransactionRow, named: Named): MessageInitShape<typeof CreditTransactionSchema> => {
  const details = named(row.chargeId ?? row.grantId);
  return {
    id: row.id ?? '',
    type: enumOf(TransactionType, row.type),
    amount: formatAmount(row.amount),
    currency: row.currency,
    bookedAt: timestampOf(row.bookedAt),
    recordedAt: row.id === null ? undefined : timestampOf(row.recordedAt),
    balanceBefore: formatAmount(row.before),
    balanceAfter: formatAmount(row.after),
    grantId: row.grantId ?? '',
    chargeId: row.chargeId ?? '',
    name: details?.name ?? '',
    description: row.reason ?? details?.description ?? '',
    labels: details?.labels ?? {},
    version: row.id === null ? 0n : BigInt(row.version),
  };
};
