import { statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook } from '../db/placement.ts';
import { FIRST_UUID } from '../id.ts';
import type { Instant } from '../instant.ts';
import { keysIn, type Scope } from '../scope.ts';
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

const ASKED = {
  until: 'timestamptz',
  pendingAfter: 'timestamptz',
  currency: 'text',
  keys: 'text[]',
  effectiveAt: 'timestamptz',
  grantId: 'uuid',
  limit: 'bigint',
} as const;
type Asked = Readonly<Record<keyof typeof ASKED, string>>;

const isAsked = (p: Asked): string => `
       (effective_at < ${p.until} or ${p.until} = 'infinity')
       -- not what was called off or lapsed before it could take effect
       and (pending_until = effective_at or pending_until > ${p.pendingAfter})
       and (${p.currency} is null or currency = ${p.currency})
       and (${p.keys} is null or feature_keys = '{}' or feature_keys && ${p.keys})
       -- one lower bound, of the window or the cursor, so that the index is entered there
       and (effective_at, grant_id) > (${p.effectiveAt}, ${p.grantId})`;

const nextOf = ({ limit }: Asked): string => `order by effective_at, grant_id limit ${limit}`;

const within = (name: string, p: Asked, known: string): Statement<Row> =>
  statement(
    name,
    `select ${PROMISE.select('s')}, s.customer_id from (${known}) s
     ${nextOf(p)}`,
  );

// What is known still, and the few promises that were known at the version and have changed since.
const ofBook = parameters({ shard: 'smallint', bookId: 'bigint', ...ASKED, version: 'bigint' });
const known = (until: string): string => `
  (select * from scheduled_grants
   where shard = ${ofBook.shard} and book_id = ${ofBook.bookId} and ${until} and known_from <= ${ofBook.version}
     and ${isAsked(ofBook)} ${nextOf(ofBook)})`;
const CUSTOMER_WINDOW = within(
  'scheduled_for_customer',
  ofBook,
  `${known('known_until is null')}
  union all
  ${known(`known_until > ${ofBook.version}`)}`,
);

// Not routed to a shard: a namespace lives on all of them. The index over (namespace, effective_at) serves each.
const ofNamespace = parameters({ namespace: 'text', ...ASKED });
const NAMESPACE_WINDOW = within(
  'scheduled_for_namespace',
  ofNamespace,
  `
  select * from scheduled_grants
  where namespace = ${ofNamespace.namespace} and known_until is null and ${isAsked(ofNamespace)} ${nextOf(ofNamespace)}`,
);

/** The promises known now, or at a version of the customer's book, that take effect in the window, in order of taking effect. */
export async function scheduledWithin(
  connection: Connection,
  window: Window,
  now: Instant,
): Promise<readonly Scheduled[]> {
  const { book, namespace, until, currency, scope, limit } = window;
  // The later of the two bounds: a cursor belongs to some window, perhaps not to this one.
  const after = window.after !== null && window.after.effectiveAt >= window.from ? window.after : null;
  const asked = {
    until,
    pendingAfter: now,
    currency,
    keys: keysIn(scope),
    effectiveAt: after?.effectiveAt ?? window.from,
    grantId: after?.grantId ?? FIRST_UUID,
    limit,
  };
  const rows = await (book === null
    ? connection.run(NAMESPACE_WINDOW, bind(ofNamespace, { namespace }, asked))
    : connection.run(CUSTOMER_WINDOW, bind(ofBook, book, asked)));
  return rows.map((row) => ({ ...PROMISE.read(row), customerId: row.customer_id }));
}
