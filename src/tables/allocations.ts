import type { Allocation } from '../credit/charge.ts';
import type { Row } from '../db/codec.ts';
import { as, bigint, columnSet, id, integer, inKey, numeric, text, timestamptz } from '../db/columns.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { booksOnce, eachOnce, inShard, PLACES, placesOf, type Placed } from '../db/placement.ts';
import { tableOf, type FoundFact, type Owned } from '../db/table.ts';
import { entriesOf, OF_CREDIT } from '../ledger/entries-of.ts';
import { collectingIn } from './charges.ts';

/** What becomes of a split, or of what is known of a book's splits, after it has its row. */
const moved = columnSet();

/**
 * The only reader and writer of `allocations` and of `splits_kept`. What a collection took of a grant the journal tells,
 * so such a split has no row, until something of it is given back or recognized: {@link isKept}.
 */
export const ALLOCATIONS = tableOf<Allocation>(
  'allocations',
  {
    chargeId: inKey(id('chg')),
    ref: { version: inKey(bigint), position: inKey(integer) },
    collection: integer,
    kind: text,
    grantId: id('grt'),
    amount: numeric,
    at: as('booked_at', timestamptz),
    returned: moved(numeric),
    recognized: moved(numeric),
  },
  {},
  moved,
);

/** Up to which version every split of a book has a row, so that what was recognized long ago is not looked at again. */
export type SplitsKept = { readonly throughVersion: number };
export const SPLITS_KEPT = tableOf<SplitsKept>('splits_kept', { throughVersion: moved(bigint) }, {}, moved);

/** Whether a split has a row. Of which advance a covering is, only its row tells. */
export const isKept = (
  { kind, ref, returned, recognized }: Allocation,
  { throughVersion }: SplitsKept,
): boolean => kind === 'COVER' || ref.version <= throughVersion || returned + recognized > 0n;

const p = parameters(PLACES);
const ofCharges = parameters({ ...PLACES, chargeIds: 'uuid[]' });

/**
 * What collections took that has no row, as rows `a` that the codec reads, of transactions `t` of the `named` books. A
 * charge that was never open has no events, and was collected once.
 */
const taken = (transactions: string): string => `
  select ${ALLOCATIONS.select('a')} from ${transactions}
  join lateral (
    select t.book_id, e.charge_id, e.version, e.position, 'SOURCE' as kind, e.grant_id, -e.amount as amount,
           t.booked_at, 0::numeric as returned, 0::numeric as recognized,
           1 + (
             select count(*) from charge_events v
             where v.shard = t.shard and v.book_id = t.book_id and v.charge_id = e.charge_id
               and v.version < e.version and v.collected > 0
           )::integer as collection
    from (${entriesOf({ shard: 't.shard' })}) e
    where ${OF_CREDIT}
    offset 0
  ) a on true
  left join lateral (
    select true as found from allocations r
    where r.shard = t.shard and r.book_id = t.book_id and r.charge_id = a.charge_id and r.version = a.version
      and r.position = a.position and ${inShard('r')}
    offset 0
  ) kept on true
  where kept.found is null`;

const consumptions = (condition: string): string => `
  join lateral (
    select * from transactions t
    where t.shard = named.shard and t.book_id = named.book_id and ${inShard('t')} and t.kind = 'CONSUME' and ${condition}
    offset 0
  ) t on true`;

const TAKEN_FOR = statement<Row<Allocation> & { book_id: number }>(
  'taken_for_charges',
  taken(`unnest(${ofCharges.shards}, ${ofCharges.bookIds}, ${ofCharges.chargeIds}) named (shard, book_id, charge_id)
  join lateral (
    ${collectingIn({ shard: 'named.shard', bookId: 'named.book_id', charge: 'named.charge_id' }, inShard)} offset 0
  ) collected on true
  ${consumptions('t.version = collected.version and t.charge_id = named.charge_id')}`),
);

const TAKEN_SINCE = statement<Row<Allocation> & { book_id: number }>(
  'taken_and_not_kept',
  taken(`unnest(${p.shards}, ${p.bookIds}) named (shard, book_id)
  ${consumptions(`t.version > coalesce((
    select k.through_version from splits_kept k where k.shard = named.shard and k.book_id = named.book_id
  ), 0)`)}`),
);

const found = (row: Row<Allocation> & { book_id: number }): FoundFact<Allocation> => ({
  bookId: row.book_id,
  fact: ALLOCATIONS.read(row),
});

type OfCharge = Placed & { readonly chargeId: string };
const keptOf = ALLOCATIONS.finderById('allocations_of_charges', 'charge_id', 'chargeId');
const keptAccrued = ALLOCATIONS.finder('accrued_allocations', 'r.returned + r.recognized < r.amount');

/** Every split of some charges. */
export async function loadAllocations(
  connection: Connection,
  charges: readonly OfCharge[],
): Promise<readonly FoundFact<Allocation>[]> {
  const once = eachOnce(charges, ({ chargeId }) => chargeId);
  if (once.length === 0) return [];
  const chargeIds = once.map(({ chargeId }) => chargeId);
  const [kept, others] = await awaitAll([
    keptOf(connection, charges),
    connection.run(TAKEN_FOR, bind(ofCharges, placesOf(once), { chargeIds })),
  ]);
  return [...kept, ...others.map(found)];
}

/** What is accrued in some books and not yet recognized as revenue. */
export async function loadAccrued(
  connection: Connection,
  books: readonly Placed[],
): Promise<readonly FoundFact<Allocation>[]> {
  const once = booksOnce(books);
  if (once.length === 0) return [];
  const [kept, others] = await awaitAll([
    keptAccrued(connection, books),
    connection.run(TAKEN_SINCE, bind(p, placesOf(once))),
  ]);
  return [...kept, ...others.map(found)];
}

/** Of books of which something was recognized. */
export const loadSplitsKept = SPLITS_KEPT.finder('splits_kept_of_books', 'true');

/** Splits that are to have a row, whether they have one or not. */
export const storeAllocations = (
  connection: Connection,
  kept: readonly Owned<Allocation>[],
  through: readonly Owned<SplitsKept>[],
): readonly Promise<void>[] => [
  ALLOCATIONS.insert(connection, kept),
  SPLITS_KEPT.insert(connection, through),
];
