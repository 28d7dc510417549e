import { bulkInsert, bulkUpdate } from '../db/bulk.ts';
import { bigint, numeric, smallint, text, texts, timestamptz, uuid } from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { uuidOf } from '../id.ts';
import { samePromise, type CreditPromise } from './promise.ts';

/** The only writer of `scheduled_grants`: promises are opened and closed, never edited. */

/** What one write learned about one grant's promise; null where there is none. */
export type PromiseChange = Placed & {
  readonly namespace: string;
  readonly customerId: string;
  readonly grantId: string;
  readonly version: number;
  readonly before: CreditPromise | null;
  readonly after: CreditPromise | null;
};

/** A promise as it is stored: known from its change on until `knownUntil`, null for still. */
type Opened = { readonly change: PromiseChange; readonly promise: CreditPromise; knownUntil: number | null };

const openPromises = bulkInsert<Opened>('scheduled_grants', {
  shard: smallint(({ change }) => change.shard),
  book_id: uuid(({ change }) => change.bookId),
  grant_id: uuid(({ change }) => uuidOf(change.grantId)),
  known_from: bigint(({ change }) => change.version),
  known_until: bigint(({ knownUntil }) => knownUntil),
  namespace: text(({ change }) => change.namespace),
  customer_id: text(({ change }) => change.customerId),
  currency: text(({ promise }) => promise.currency),
  feature_keys: texts(({ promise }) => promise.featureKeys),
  amount: numeric(({ promise }) => promise.amount),
  pending_from: timestamptz(({ promise }) => promise.from),
  pending_until: timestamptz(({ promise }) => promise.until),
  effective_at: timestamptz(({ promise }) => promise.effectiveAt),
  expires_at: timestamptz(({ promise }) => promise.expiresAt),
  span_class: smallint(({ promise }) => spanClass(promise.from, promise.until)),
});

// The row known until now is the one with no known_until; a unique index keeps it single.
const closePromises = bulkUpdate<PromiseChange>(
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
export function storePromises(
  connection: Connection,
  changes: readonly PromiseChange[],
): readonly Promise<void>[] {
  const changed = changes.filter(({ before, after }) => !samePromise(before, after));
  const opened = new Map<string, Opened>();
  const rows: Opened[] = [];
  const closed: PromiseChange[] = [];
  for (const change of changed) {
    const { bookId, grantId, version, before, after } = change;
    const key = `${bookId} ${grantId}`;
    const own = opened.get(key);
    // One opened by this very batch is stored closed; an older one is closed in place.
    if (own !== undefined) own.knownUntil = version;
    else if (before !== null) closed.push(change);
    opened.delete(key);
    if (after === null) continue;
    const row = { change, promise: after, knownUntil: null };
    opened.set(key, row);
    rows.push(row);
  }
  return [closePromises(connection, closed), openPromises(connection, rows)];
}
