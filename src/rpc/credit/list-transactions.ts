import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import {
  ListTransactionsRequestSchema,
  TransactionType,
  type CreditTransactionSchema,
} from '#gen/credit/v1/transaction_pb.ts';
import type { Actor } from '../../actor.ts';
import { formatAmount } from '../../amount.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { MovementKey } from '../../ledger/movements.ts';
import { listTransactions as answerTransactions, type HistoryRow } from '../../query/list-transactions.ts';
import type { Named } from '../../query/details.ts';
import { askedAt, scopeOf } from '../decode.ts';
import type { Handler } from '../handler.ts';
import { INSTANT, pageSizeOf, pageTokens, POSITION, VERSION, wordPart } from '../page-token.ts';
import { ofPage, PINNED, pinnedTo } from '../pinned-pages.ts';
import { encodeActor, enumOf, instantOf, momentFacts, namesOf, textOf, timestampOf } from '../wire.ts';

// What lies ahead keeps no place, a write gives it another; but pages are of one version, which foresees the same.
const TOKENS = pageTokens(ListTransactionsRequestSchema, {
  ...PINNED,
  direction: wordPart('older', 'newer'),
  bookedAt: INSTANT,
  ofVersion: VERSION,
  position: POSITION,
});

export const listTransactions: Handler<typeof CreditService.method.listTransactions> = async (
  request,
  deps,
) => {
  const page = TOKENS.read(request);
  const { view, rows, older, newer, named, actors } = await answerTransactions(deps, {
    ...ofPage(askedAt(request), page),
    types: namesOf(TransactionType, request.types),
    currency: textOf(request.currency),
    scope: scopeOf(request.featureFilter),
    actor: textOf(request.actor),
    from: instantOf(request.bookedFrom) ?? ALWAYS,
    until: instantOf(request.bookedTo) ?? NEVER,
    cursor:
      page === undefined ? null : { direction: page.direction, beyond: { ...page, version: page.ofVersion } },
    limit: pageSizeOf(request),
  });
  const token = (direction: 'older' | 'newer', from: MovementKey | null) => {
    if (from === null) return '';
    const { bookedAt, version: ofVersion, position } = from;
    return TOKENS.write(request, { ...pinnedTo(view), direction, bookedAt, ofVersion, position });
  };
  return {
    transactions: rows.map((row) => encodeRow(row, named, actors.get(row.version) ?? null)),
    nextPageToken: token('older', older),
    previousPageToken: token('newer', newer),
    ...momentFacts(view),
  };
};

/**
 * FUNDED, EXPIRED, VOIDED and ADJUSTED rows carry the name of their grant, CONSUMED and CORRECTED of their charge; credit taken by an
 * adjustment has none. */
const encodeRow = (
  row: HistoryRow,
  named: Named,
  actor: Actor | null,
): MessageInitShape<typeof CreditTransactionSchema> => {
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
    actor: encodeActor(actor),
  };
};
