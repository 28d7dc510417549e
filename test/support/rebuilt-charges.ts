import { sumAmounts, type Amount } from '../../src/amount.ts';
import { spanClass } from '../../src/db/span.ts';
import type { BookFacts, Row } from './rebuilt.ts';

const total = (rows: readonly Row[], column = 'amount'): Amount => sumAmounts(rows.map((row) => row[column]));

const placeOf = (row: Row): string => `${row['version']}:${row['position']}`;
const reversedBy = (row: Row): string => `${row['reversed_version']}:${row['reversed_position']}`;

/**
 * Credit by its allocations and by its entries, which must agree; the advance by its entries. What has no allocation is
 * as it was taken.
 */
export function rebuiltCharge(book: BookFacts, charge: Row): Row {
  const own = (rows: readonly Row[]) => rows.filter((row) => row['charge_id'] === charge['id']);
  const sources = own(book.allocations).filter(({ kind }) => kind === 'SOURCE');
  const entries = own(book.entries).filter(({ kind }) => kind === 'CONSUME' || kind === 'CORRECT');
  const kept = new Set(sources.map(placeOf));
  const untouched = entries.filter((e) => isTaking(e) && !kept.has(placeOf(e)));
  const taken = total(sources) - total(sources, 'returned') - total(untouched);
  const places = new Set([...kept, ...untouched.map(placeOf)]);
  const credit = -total(
    entries.filter(
      (e) => e['type'] === 'CUSTOMER_FBO' && (e['kind'] === 'CONSUME' || places.has(reversedBy(e))),
    ),
  );
  // A covering that comes back takes with it the debt it had covered: that leg names no grant.
  const advanced = -total(entries.filter((e) => isDebt(e) && e['grant_id'] === null));
  const collected = taken + advanced + charge['invoiced'];
  const events = own(book.chargeEvents);
  // What is given back once it is closed weighs on nothing, and is no event.
  const openOrLeft = !entries.some(
    (e) =>
      e['kind'] === 'CORRECT' && charge['closed_version'] !== null && e['version'] > charge['closed_version'],
  );
  return {
    id: charge['id'],
    advanced,
    collected: credit === taken ? collected : `${credit} by its entries, ${taken} allocated`,
    ...(events.length > 0 && {
      amount: events.at(-1)!['amount'],
      ...(total(events, 'collected') !== collected &&
        openOrLeft && {
          collected: `${total(events, 'collected')} by its events`,
        }),
    }),
  };
}

const isTaking = (entry: Row): boolean => entry['kind'] === 'CONSUME' && entry['type'] === 'CUSTOMER_FBO';

const isDebt = (entry: Row): boolean =>
  entry['type'] === 'CUSTOMER_RECEIVABLE' && entry['cost_basis'] === null;

/** What it owed at first, less its coverings and reductions. All that is owed for a charge is what entries say is owed. */
export function rebuiltAdvance(book: BookFacts, advance: Row): Row {
  const ofCharge = (row: Row) => row['charge_id'] === advance['charge_id'];
  const own = (rows: readonly Row[]) =>
    rows.filter((row) => ofCharge(row) && row['collection'] === advance['collection']);
  const first = book.entries.find(
    (e) => e['version'] === advance['version'] && e['position'] === advance['entry_position'],
  )!;
  const less = [...own(book.allocations).filter(({ kind }) => kind === 'COVER'), ...own(book.reductions)];
  const amount = -(first['amount'] as Amount);
  const uncovered = amount - total(less);
  const closed = uncovered === 0n ? Math.max(...less.map(({ version }) => version as number)) : null;
  const owed = -total(book.entries.filter((e) => isDebt(e) && ofCharge(e)));
  const known = total(book.advances.filter(ofCharge), 'uncovered');
  return {
    charge_id: advance['charge_id'],
    collection: advance['collection'],
    amount,
    uncovered: owed === known ? uncovered : `${owed} by entries`,
    closed_version: closed,
    span_class: closed === null ? null : spanClass(advance['version'], closed),
  };
}

/** The slices that must have a row: those of a version up to which all have, coverings, and what something came back of. */
export function rebuiltAllocations(book: BookFacts): readonly Row[] {
  const through = book.splitsKept[0]?.through_version ?? 0;
  const reversed = new Set(book.entries.map(reversedBy));
  const rows = new Set(book.allocations.map(placeOf));
  const must = book.entries.filter(
    (e) =>
      (isTaking(e) && (e['version'] <= through || reversed.has(placeOf(e)))) ||
      (e['kind'] === 'COVER' && e['type'] === 'CUSTOMER_FBO'),
  );
  const missing = must.filter((e) => !rows.has(placeOf(e)));
  return [...book.allocations, ...missing].map((slice) => rebuiltAllocation(book, slice));
}

/** What came back of a slice: by the entries that reverse the one at which it left its grant. */
const rebuiltAllocation = (book: BookFacts, slice: Row): Row => ({
  charge_id: slice['charge_id'],
  version: slice['version'],
  position: slice['position'],
  returned: total(
    book.entries.filter((e) => e['type'] === 'CUSTOMER_FBO' && reversedBy(e) === placeOf(slice)),
  ),
});

/** Revenue by charge and grant, as its slices say; which of them it is of, entries do not tell. */
export const storedRevenue = (book: BookFacts): readonly Row[] => revenueOf(book.allocations, 'recognized');

/** And as earnings say. */
export const rebuiltRevenue = (book: BookFacts): readonly Row[] =>
  revenueOf(
    book.entries.filter((e) => e['type'] === 'EARNINGS' && e['charge_id'] !== null),
    'amount',
  );

const revenueOf = (rows: readonly Row[], column: string): readonly Row[] =>
  [...Map.groupBy(rows, (row) => `${row['charge_id']} ${row['grant_id']}`).values()]
    .map((of) => ({
      charge_id: of[0]!['charge_id'],
      grant_id: of[0]!['grant_id'],
      recognized: total(of, column),
    }))
    .filter(({ recognized }) => recognized !== 0n);
