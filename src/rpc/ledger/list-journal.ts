import type { DescField, DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { isFieldSet } from '@bufbuild/protobuf';
import type { BookView } from '../../book/view.ts';
import { ask } from '../../credit/query/questions.ts';
import type { Connection } from '../../db/database.ts';
import {
  pageOfEntries,
  pageOfTransactions,
  type JournalCursor,
  type JournalRange,
} from '../../ledger/read-journal.ts';
import {
  ListEntriesRequestSchema,
  ListTransactionsRequestSchema,
  type ListEntriesRequest,
  type ListEntriesResponseSchema,
  type ListTransactionsRequest,
  type ListTransactionsResponseSchema,
} from '#gen/ledger/v1/journal_pb.ts';
import { refuse } from '../../refusal.ts';
import { keyOf, momentOf } from '../credit/decode.ts';
import type { ServiceDeps } from '../credit/deps.ts';
import { pageSizeOf, readPageToken, writePageToken } from '../page-token.ts';
import { timestampOf } from '../wire.ts';
import { encodeEntry, encodeTransaction } from './encode.ts';

export async function listTransactions(
  deps: ServiceDeps,
  request: ListTransactionsRequest,
): Promise<MessageInitShape<typeof ListTransactionsResponseSchema>> {
  const schema = ListTransactionsRequestSchema;
  const { rows, ...page } = await pageOf(deps, schema, request, pageOfTransactions, (row) => ({
    version: row.version,
    position: row.ordinal,
  }));
  return { ...page, transactions: rows.map((row) => encodeTransaction(request.customerId, row)) };
}

export async function listEntries(
  deps: ServiceDeps,
  request: ListEntriesRequest,
): Promise<MessageInitShape<typeof ListEntriesResponseSchema>> {
  const schema = ListEntriesRequestSchema;
  const { rows, ...page } = await pageOf(deps, schema, request, pageOfEntries, (row) => row);
  return { ...page, entries: rows.map((row) => encodeEntry(request.customerId, row)) };
}

const UNFILTERED: ReadonlySet<string> = new Set([
  ...['namespace', 'customer_id', 'min_version', 'known_at', 'page_size', 'page_token'],
]);

/** One page of a customer's journal, in version order: new writes only ever come behind the last page. */
async function pageOf<S extends typeof ListEntriesRequestSchema | typeof ListTransactionsRequestSchema, Row>(
  deps: ServiceDeps,
  schema: S,
  request: MessageShape<S> & (ListEntriesRequest | ListTransactionsRequest),
  read: (connection: Connection, range: JournalRange) => Promise<readonly Row[]>,
  cursorOf: (row: Row) => JournalCursor,
) {
  refuseFilters(schema, request);
  const [version = '0', position = '0'] = readPageToken<DescMessage>(schema, request) ?? [];
  const limit = pageSizeOf(request);
  const asked = {
    ...momentOf({ knownAt: request.knownAt }),
    key: keyOf(request),
    minVersion: Number(request.minVersion),
  };
  const { view, found } = await ask(deps, asked, async (connection, book: BookView) => ({
    view: book,
    found:
      book.id === null
        ? []
        : await read(connection, {
            ...{ shard: book.shard, bookId: book.id, version: book.version, limit: limit + 1 },
            after: { version: Number(version), position: Number(position) },
          }),
  }));
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const next = last === undefined ? null : cursorOf(last);
  return {
    rows,
    nextPageToken:
      found.length > limit && next !== null
        ? writePageToken<DescMessage>(schema, request, [String(next.version), String(next.position)])
        : '',
    version: BigInt(view.version),
    knownAt: timestampOf(view.knownAt),
  };
}

/** A filter that is not applied would make a page look like an answer to it. */
function refuseFilters(schema: DescMessage, request: MessageShape<DescMessage>): void {
  const filter = schema.fields.find(
    (field: DescField) => !UNFILTERED.has(field.name) && isFieldSet(request, field),
  );
  if (filter === undefined) return;
  refuse(
    'UNIMPLEMENTED',
    `filtering by ${filter.name} is not implemented yet; leave it out to read the whole journal`,
  );
}
