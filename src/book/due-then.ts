import { statement, type Connection } from '../db/database.ts';
import { CLASSES } from '../db/span.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { WrittenView } from './view.ts';

const p = parameters({
  shard: 'smallint',
  bookIds: 'bigint[]',
  versions: 'bigint[]',
  clocks: 'timestamptz[]',
  asOfs: 'timestamptz[]',
  classes: 'smallint[]',
  spans: 'bigint[]',
});

// A grant becomes credit at one of its instants and expires at another; what lay at or before the clock had been booked
// by then. Terms that a later version changed are not in the row: such a grant is taken for one with an event.
const HAS_EVENT = `
  g.effective_at > b.clock and g.effective_at <= b.as_of
  or g.funded_at > b.clock and g.funded_at <= b.as_of
  or g.expires_at > b.clock and g.expires_at <= b.as_of
  or exists (
    select from former_terms f
    where f.shard = ${p.shard} and f.book_id = b.id and f.grant_id = g.id and f.until_version > b.version
  )`;

// Open then: as in open-then.ts, for many books at once.
const DUE_THEN = statement<{ id: number }>(
  'books_due_then',
  `select b.id
   from unnest(${p.bookIds}, ${p.versions}, ${p.clocks}, ${p.asOfs}) b (id, version, clock, as_of)
   left join lateral (
     select g.id from grants g
     where g.shard = ${p.shard} and g.book_id = b.id and g.closed_version is null and g.version <= b.version and (${HAS_EVENT})
     limit 1
   ) open on true
   left join lateral (
     select g.id from unnest(${p.classes}, ${p.spans}) c (class, span)
     join lateral (
       select * from grants g
       where g.shard = ${p.shard} and g.book_id = b.id and g.span_class = c.class
         and g.closed_version > b.version and g.closed_version <= b.version + c.span and g.version <= b.version
       offset 0
     ) g on ${HAS_EVENT}
     limit 1
   ) closed on true
   where open.id is not null or closed.id is not null`,
);

/** The spans of versions that each class may have, as far as bigint reaches. */
const SPANS = CLASSES.map((c) => 4 ** (c + 1));

/** Of books of a shard at earlier versions, those in which something falls due by the instant asked about. */
export async function dueThen(
  connection: Connection,
  shard: number,
  views: readonly WrittenView[],
): Promise<ReadonlySet<number>> {
  if (views.length === 0) return new Set();
  const rows = await connection.run(
    DUE_THEN,
    bind(p, {
      shard,
      bookIds: views.map(({ bookId }) => bookId),
      versions: views.map(({ version }) => version),
      clocks: views.map(({ clock }) => clock),
      asOfs: views.map(({ asOf }) => asOf),
      classes: CLASSES,
      spans: SPANS,
    }),
  );
  return new Set(rows.map(({ id }) => id));
}
