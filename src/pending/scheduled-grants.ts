import { codec, type Row, type Shape } from '../db/codec.ts';
import {
  as,
  bigint,
  id,
  inKey,
  computed,
  numeric,
  optional,
  smallint,
  text,
  texts,
  timestamptz,
  columnSet,
} from '../db/columns.ts';
import type { Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { spanClass } from '../db/span.ts';
import { tableOf } from '../db/table.ts';
import { samePromise, type CreditPromise } from './promise.ts';

/** The only writer of `scheduled_grants`: promises are opened and closed, never edited. */

/** A promise as it is stored. */
export type StoredPromise = {
  readonly promise: CreditPromise;
  readonly namespace: string;
  readonly customerId: string;
  /** Inclusive. */
  readonly knownFrom: number;
  /** Exclusive; null: still known. */
  readonly knownUntil: number | null;
};

const PROMISED: Shape<CreditPromise> = {
  grantId: inKey(id('grt')),
  currency: text,
  featureKeys: texts,
  amount: numeric,
  from: as('pending_from', timestamptz),
  until: as('pending_until', timestamptz),
  effectiveAt: timestamptz,
  expiresAt: timestamptz,
};

/** What a row promises, whoever knew of it since when. */
export const PROMISE = codec(PROMISED);
export type PromiseRow = Row<CreditPromise>;

/** What ends it: that it is not known any more. */
const closing = columnSet();

export const SCHEDULED_GRANTS = tableOf<StoredPromise>(
  'scheduled_grants',
  {
    promise: PROMISED,
    namespace: text,
    customerId: text,
    knownFrom: bigint,
    knownUntil: closing(optional(bigint)),
  },
  // Nobody promises for no time at all.
  { span_class: computed(smallint, ({ fact: { promise } }) => spanClass(promise.from, promise.until)!) },
);

// The row known until now is the one with no known_until; a unique index keeps it single.
const closePromises = SCHEDULED_GRANTS.update('close_scheduled_grants', [closing], 't.known_until is null');

/** What one write learned about one grant's promise; null where there is none. */
export type PromiseChange = Placed & {
  readonly namespace: string;
  readonly customerId: string;
  readonly grantId: string;
  readonly version: number;
  readonly before: CreditPromise | null;
  readonly after: CreditPromise | null;
};

/** The rows that changes of promises, given in version order per book, open and close. */
export function rowsOf(changes: readonly PromiseChange[]) {
  const changed = changes.filter(({ before, after }) => !samePromise(before, after));
  const last = new Map<string, ReturnType<typeof rowOf>>();
  const opened: ReturnType<typeof rowOf>[] = [];
  const closed: ReturnType<typeof rowOf>[] = [];
  for (const change of changed) {
    const { bookId, grantId, version, before, after } = change;
    const grant = `${bookId} ${grantId}`;
    const own = last.get(grant);
    // One opened by these very changes is stored closed; an older one is closed in place.
    if (own !== undefined) own.fact.knownUntil = version;
    else if (before !== null) closed.push(rowOf(change, before, version));
    last.delete(grant);
    if (after === null) continue;
    const row = rowOf(change, after, null);
    last.set(grant, row);
    opened.push(row);
  }
  return { opened, closed };
}

/** Stores the changes of a batch, given in version order per book. */
export function storePromises(
  connection: Connection,
  changes: readonly PromiseChange[],
): readonly Promise<void>[] {
  const { opened, closed } = rowsOf(changes);
  return [closePromises(connection, closed), SCHEDULED_GRANTS.insert(connection, opened)];
}

const rowOf = (
  { shard, bookId, namespace, customerId, version: knownFrom }: PromiseChange,
  promise: CreditPromise,
  knownUntil: number | null,
) => ({ shard, bookId, fact: { promise, namespace, customerId, knownFrom, knownUntil } });
