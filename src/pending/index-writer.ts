import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { bigint, numeric, smallint, text, texts, timestamptz, uuid } from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
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

/** A stretch as it is stored: known from its change on until `knownUntil`, null for still. */
type Opened = { readonly change: StretchChange; readonly stretch: Stretch; knownUntil: number | null };

const openStretches = bulkInsert<Opened>('scheduled_grants', {
  shard: smallint(({ change }) => change.shard),
  book_id: uuid(({ change }) => change.bookId),
  grant_id: uuid(({ change }) => uuidOf(change.grantId)),
  known_from: bigint(({ change }) => change.version),
  known_until: bigint(({ knownUntil }) => knownUntil),
  namespace: text(({ change }) => change.namespace),
  customer_id: text(({ change }) => change.customerId),
  currency: text(({ stretch }) => stretch.currency),
  feature_keys: texts(({ stretch }) => stretch.featureKeys),
  amount: numeric(({ stretch }) => stretch.amount),
  pending_from: timestamptz(({ stretch }) => stretch.from),
  pending_until: timestamptz(({ stretch }) => stretch.until),
  effective_at: timestamptz(({ stretch }) => stretch.effectiveAt),
  expires_at: timestamptz(({ stretch }) => stretch.expiresAt),
  span_class: smallint(({ stretch }) => spanClass(stretch.from, stretch.until)),
});

// The row known until now is the one with no known_until; a unique index keeps it single.
const closeStretches = bulkUpdate<StretchChange>(
  'close_scheduled_grants',
  'scheduled_grants',
  ['shard', 'book_id', 'grant_id'],
  {
    shard: smallint((change) => change.shard),
    book_id: uuid((change) => change.bookId),
    grant_id: uuid((change) => uuidOf(change.grantId)),
    known_until: bigint((change) => change.version),
  },
  't.known_until is null',
);

/** Stores the changes of a batch, given in version order per book. */
export function storeStretches(
  connection: Connection,
  changes: readonly StretchChange[],
): readonly Promise<void>[] {
  const changed = changes.filter(({ before, after }) => !sameStretch(before, after));
  const opened = new Map<string, Opened>();
  const rows: Opened[] = [];
  const closed: StretchChange[] = [];
  for (const change of changed) {
    const { bookId, grantId, version, before, after } = change;
    const key = `${bookId} ${grantId}`;
    const own = opened.get(key);
    // One opened by this very batch is stored closed; an older one is closed in place.
    if (own !== undefined) own.knownUntil = version;
    else if (before !== null) closed.push(change);
    opened.delete(key);
    if (after === null) continue;
    const row = { change, stretch: after, knownUntil: null };
    opened.set(key, row);
    rows.push(row);
  }
  return [closeStretches(connection, closed), openStretches(connection, rows)];
}
