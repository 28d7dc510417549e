import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount } from '../../amount.ts';
import { namesOf, type Named } from '../../query/names.ts';
import {
  listTransactions as answerTransactions,
  type TransactionRow,
} from '../../query/list-transactions.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { MovementKey } from '../../ledger/movements.ts';
import type { TransactionType as Type } from '../../ledger/posting.ts';
import {
  ListTransactionsRequestSchema,
  TransactionType,
  type CreditTransactionSchema,
  type ListTransactionsRequest,
  type ListTransactionsResponseSchema,
} from '#gen/credit/v1/transaction_pb.ts';
import { INSTANT, pageSizeOf, pageTokens, POSITION, VERSION, wordPart } from '../page-token.ts';
import { momentOfPage, PINNED, pinnedTo } from '../pinned-pages.ts';
import { enumOf, instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { keyOf, momentOf, scopeOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';

// What lies ahead keeps no place, a write gives it another; but pages are of one version, which foresees the same.
const TOKENS = pageTokens(ListTransactionsRequestSchema, {
  ...PINNED,
  direction: wordPart('older', 'newer'),
  ...{ bookedAt: INSTANT, ofVersion: VERSION, position: POSITION },
});

export async function listTransactions(
  deps: ServiceDeps,
  request: ListTransactionsRequest,
): Promise<MessageInitShape<typeof ListTransactionsResponseSchema>> {
  const cursor = TOKENS.read(request);
  const { view, rows, older, newer } = await answerTransactions(deps, {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion) },
    ...momentOfPage(momentOf(request), cursor),
    types: request.types.map((type) => nameOf<Type>(TransactionType, type)!),
    currency: textOf(request.currency),
    scope: scopeOf(request.featureFilter),
    from: instantOf(request.bookedFrom) ?? ALWAYS,
    until: instantOf(request.bookedTo) ?? NEVER,
    cursor:
      cursor === undefined
        ? null
        : {
            direction: cursor.direction,
            beyond: { bookedAt: cursor.bookedAt, version: cursor.ofVersion, position: cursor.position },
          },
    limit: pageSizeOf(request),
  });
  const named = await namesOf(deps, view, rows);
  const token = (direction: 'older' | 'newer', row: MovementKey | undefined) => {
    if (row === undefined) return '';
    const { bookedAt, version: ofVersion, position } = row;
    return TOKENS.write(request, { ...pinnedTo(view), direction, bookedAt, ofVersion, position });
  };
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
    forecast: row.id === null,
  };
};
