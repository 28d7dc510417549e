import type { MessageInitShape } from '@bufbuild/protobuf';
import { refuse } from '../../refusal.ts';
import { readCursor } from '../../feed/feed-cursor.ts';
import type { FeedRequest } from '../../feed/feeds.ts';
import type { FeedEvent } from '../../feed/follow.ts';
import type { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import {
  WatchTransactionsRequestSchema,
  type WatchTransactionsRequest,
  type WatchTransactionsResponseSchema,
} from '#gen/ledger/v1/watch_pb.ts';
import type { Handler } from '../handler.ts';
import { sealOf, type Seal } from '../seal.ts';
import { namespaceOf, textOf, timestampOf } from '../wire.ts';
import { encodeTransaction } from './encode.ts';

export const watchTransactions: Handler<typeof LedgerService.method.watchTransactions> = async function* (
  request,
  { feeds },
  { signal },
) {
  const namespace = namespaceOf(request);
  // An empty namespace is the default one: the cursor of either is good for both.
  const seal = sealOf(WatchTransactionsRequestSchema, { ...request, namespace }, NOT_PART_OF_THE_QUESTION);
  const customerId = textOf(request.customerId);
  const asked = { namespace, customerId, from: beginningOf(request, seal) };
  for await (const event of feeds.watch(asked, signal)) {
    yield { cursor: seal.close(event.cursor), event: encodeEvent(event) };
  }
};

const NOT_PART_OF_THE_QUESTION: ReadonlySet<string> = new Set(['cursor', 'only_new']);

function beginningOf(
  { cursor, customerId, onlyNew }: WatchTransactionsRequest,
  seal: Seal,
): FeedRequest['from'] {
  if (cursor === '') return onlyNew ? 'now' : 'beginning';
  const body = seal.open(cursor);
  const read = body === undefined ? null : readCursor(customerId === '' ? 'namespace' : 'customer', body);
  return (
    read ??
    refuse(
      'PAGE_TOKEN_MISMATCH',
      'cursor: it belongs to another namespace or customer, or is damaged; start over without it',
      { field: 'cursor', rule: 'cursor' },
    )
  );
}

const encodeEvent = (
  event: FeedEvent,
): Exclude<MessageInitShape<typeof WatchTransactionsResponseSchema>['event'], undefined> =>
  event.kind === 'bookmark'
    ? { case: 'bookmark', value: { completeTo: timestampOf(event.completeTo) } }
    : { case: 'transaction', value: encodeTransaction(event.customerId, event.transaction) };
