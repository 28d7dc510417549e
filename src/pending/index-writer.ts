import { formatAmount } from '../amount.ts';
import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import type { Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import { sameStretch, type Stretch } from './stretch.ts';

/** The only writer of `scheduled_grants`: stretches are opened and closed, never edited. */

/** What one write learned about one grant's promise; null where there is none. */
export type StretchChange = Placed & {
  readonly namespace: string;
  readonly customerId: string;
  readonly grantId: string;
  readonly version: number;
  readonly before: Stretch | null;
  readonly after: Stretch | null;
};

const openStretches = bulkInsert('scheduled_grants', {
  shard: 'smallint',
  book_id: 'uuid',
  grant_id: 'uuid',
  known_from: 'bigint',
  known_until: 'bigint',
  namespace: 'text',
  customer_id: 'text',
  currency: 'text',
  feature_keys: 'text[]',
  amount: 'numeric',
  pending_from: 'timestamptz',
  pending_until: 'timestamptz',
  effective_at: 'timestamptz',
  expires_at: 'timestamptz',
  span_class: 'smallint',
});

// The row known until now is the one with no known_until; a unique index keeps it single.
const closeStretches = bulkUpdate(
  'close_scheduled_grants',
  'scheduled_grants',
  ['shard', 'book_id', 'grant_id'],
  { shard: 'smallint', book_id: 'uuid', grant_id: 'uuid', known_until: 'bigint' },
  't.known_until is null',
);

/** Stores the changes of a batch, given in version order per book. */
export function storeStretches(
  connection: Connection,
  changes: readonly StretchChange[],
): readonly Promise<void>[] {
  const changed = changes.filter(({ before, after }) => !sameStretch(before, after));
  const opened = new Map<string, { change: StretchChange; stretch: Stretch; knownUntil: number | null }>();
  const rows: (typeof opened extends Map<string, infer Row> ? Row : never)[] = [];
  const closed: { shard: number; book_id: string; grant_id: string; known_until: number }[] = [];
  for (const change of changed) {
    const { shard, bookId, grantId, version, before, after } = change;
    const own = opened.get(grantId);
    // One opened by this very batch is stored closed; an older one is closed in place.
    if (own !== undefined) own.knownUntil = version;
    else if (before !== null) {
      closed.push({ shard, book_id: bookId, grant_id: uuidOf(grantId), known_until: version });
    }
    opened.delete(grantId);
    if (after === null) continue;
    const row = { change, stretch: after, knownUntil: null };
    opened.set(grantId, row);
    rows.push(row);
  }
  return [
    closeStretches(connection, closed),
    openStretches(
      connection,
      rows.map(({ change, stretch, knownUntil }) => ({
        ...{ shard: change.shard, book_id: change.bookId, grant_id: uuidOf(change.grantId) },
        ...{ known_from: change.version, known_until: knownUntil },
        ...{ namespace: change.namespace, customer_id: change.customerId },
        ...{
          currency: stretch.currency,
          feature_keys: stretch.featureKeys,
          amount: formatAmount(stretch.amount),
        },
        ...{ pending_from: timestamp(stretch.from), pending_until: timestamp(stretch.until) },
        ...{ effective_at: timestamp(stretch.effectiveAt), expires_at: timestamp(stretch.expiresAt) },
        span_class: spanClass(stretch.from, stretch.until),
      })),
    ),
  ];
}
