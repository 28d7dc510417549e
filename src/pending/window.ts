import { statement, type Connection, type Statement } from '../db/database.ts';
import type { KnownBook } from '../db/placement.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Scope } from '../scope.ts';
import type { CreditPromise } from './promise.ts';
import { PROMISE, type PromiseRow } from './scheduled-grants.ts';

/** What is scheduled in a window, for a customer or a namespace: the fourth question of domain.md §4. */

export type Scheduled = CreditPromise & { readonly customerId: string };

/** Where a page ended: rows are in order of (effective instant, grant id). */
export type WindowCursor = { readonly effectiveAt: Instant; readonly grantId: string };

export type Window = {
  /** Null: the whole namespace. */
  readonly book: KnownBook | null;
  readonly namespace: string;
  /** Inclusive; rows take effect at or after it. */
  readonly from: Instant;
  /** Exclusive; NEVER includes what waits for its funding with no instant known. */
  readonly until: Instant;
  readonly currency: string | null;
  readonly scope: Scope;
  readonly after: WindowCursor | null;
  readonly limit: number;
};

type Row = PromiseRow & { customer_id: string };

const within = (name: string, known: (asked: string) => string): Statement<Row> =>
  statement(
    name,
    `select ${PROMISE.select('s')}, s.customer_id from (${known(ASKED)}) s
     order by effective_at, grant_id
     limit $9`,
  );

const ASKED = `
       (effective_at < $3 or $3 = 'infinity')
       -- not what was called off or lapsed before it could take effect
       and (pending_until = effective_at or pending_until > $4)
       and ($5::text is null or currency = $5)
       and ($6::text[] is null or feature_keys = '{}' or feature_keys && $6)
       -- one lower bound, of the window or the cursor, so that the index is entered there
       and (effective_at, grant_id) > ($7::timestamptz, $8::uuid)`;

const NEXT = 'order by effective_at, grant_id limit $9';

// What is known still, and the few promises that were known at the version and have changed since.
const CUSTOMER_WINDOW = within(
  'scheduled_for_customer',
  (asked) => `
  (select * from scheduled_grants
   where shard = $1 and book_id = $2::uuid and known_until is null and known_from <= $10 and ${asked} ${NEXT})
  union all
  (select * from scheduled_grants
   where shard = $1 and book_id = $2::uuid and known_until > $10 and known_from <= $10 and ${asked} ${NEXT})`,
);
// Not routed to a shard: a namespace lives on all of them. The index over (namespace, effective_at) serves each.
const NAMESPACE_WINDOW = within(
  'scheduled_for_namespace',
  (asked) => `
  select * from scheduled_grants
  where $1::smallint is null and namespace = $2::text and known_until is null and ${asked} ${NEXT}`,
);

/** The promises known now, or at a version of the customer's book, that take effect in the window, in order of taking effect. */
export async function scheduledWithin(
  connection: Connection,
  window: Window,
  now: Instant,
): Promise<readonly Scheduled[]> {
  const { book, scope } = window;
  // The later of the two bounds: a cursor belongs to some window, perhaps not to this one.
  const after = window.after !== null && window.after.effectiveAt >= window.from ? window.after : null;
  const owner = book === null ? [null, window.namespace] : [book.shard, book.bookId];
  const rows = await connection.run(book === null ? NAMESPACE_WINDOW : CUSTOMER_WINDOW, [
    ...owner,
    timestamp(window.until),
    timestamp(now),
    window.currency,
    scope.kind === 'all' ? null : scope.kind === 'feature' ? [scope.featureKey] : [],
    timestamp(after?.effectiveAt ?? window.from),
    after === null ? '00000000000000000000000000000000' : uuidOf(after.grantId),
    window.limit,
    ...(book === null ? [] : [book.version]),
  ]);
  return rows.map((row) => ({ ...PROMISE.read(row), customerId: row.customer_id }));
}
