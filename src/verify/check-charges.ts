import type { Row } from '../db/codec.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import type { Table } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import { uuidOf } from '../id.ts';
import { ENTRIES, type StoredEntry } from '../ledger/store.ts';
import { ADVANCES, REDUCTIONS } from '../tables/advances.ts';
import { ALLOCATIONS, isKept, loadSplitsKept, type SplitsKept } from '../tables/allocations.ts';
import { CHARGE_EVENTS, CHARGES, type ChargeRow, type StoredCharge } from '../tables/charges.ts';
import type { BookPlace } from './book-set.ts';
import { compare, foundIn } from './compare.ts';
import { cursor, everyUpTo, type Cursor } from './cursor.ts';
import { absentOf } from './dangling.ts';
import type { RegisteredBook } from './check-book.ts';
import type { JournalCheck } from './check-journal.ts';
import { finding, type Finding } from './finding.ts';
import { pageById, pagesById } from './pages.ts';
import { isTelling, rebuildCharge, type ChargedEntry, type FoundCharge } from './rebuild-charge.ts';
import type { WrittenAccount } from './written.ts';

type PagedRow = ChargeRow & { id: string; page_size: number; closing_recorded_at: Instant | null };

const PAGE_OF_CHARGES = statement<PagedRow>(
  'charges_to_verify',
  `select ${CHARGES.selectAll('c')}, c.page_size, w.recorded_at as closing_recorded_at
   from (${pageById('charges')}) c
   left join lateral (
     select recorded_at from writes w where w.shard = $1 and w.book_id = $2 and w.version = c.closed_version offset 0
   ) w on true
   order by c.id`,
);

const OF_RANGE = 'r.shard = $1 and r.book_id = $2 and r.charge_id > $3::uuid and r.charge_id <= $4::uuid';

/** The rows of a table about charges, by charge and in order of version. */
function aboutCharges<Fact extends { readonly chargeId: string }, More>(table: Table<Fact, More>) {
  const asked = statement<Row<Fact>>(
    `${table.name}_to_verify`,
    `select ${table.selectAll('r')} from ${table.name} r where ${OF_RANGE} order by r.charge_id, r.version`,
  );
  return async (connection: Connection, range: readonly unknown[]) => {
    const rows = await connection.run(asked, range);
    return Map.groupBy(
      rows.map((row) => foundIn(table, row)),
      ({ fact }) => fact.chargeId,
    );
  };
}

const eventsOf = aboutCharges(CHARGE_EVENTS);
const advancesOf = aboutCharges(ADVANCES);
const reductionsOf = aboutCharges(REDUCTIONS);
const allocationsOf = aboutCharges(ALLOCATIONS);

// No index has them in this order: sorted once. The whole key: an entry that cannot be read is told once.
const openEntries = cursor(
  'entries_by_charge',
  `select ${ENTRIES.select('r')} from entries r
   where r.shard = $1 and r.book_id = $2 and r.charge_id is not null and r.sub_account = any($3::integer[])
   order by r.charge_id, r.version, r.position`,
  (row: Row<StoredEntry>) => ENTRIES.read(row),
  ({ chargeId }) => uuidOf(chargeId!),
);

type Checked = { readonly findings: readonly Finding[]; readonly charges: readonly StoredCharge[] };

/**
 * A book's charges, each with all rows about it, against what they are rebuilt to, page by page. `missing`: charges that
 * were told as missing already.
 */
export async function* checkCharges(
  connection: Connection,
  book: RegisteredBook,
  { accounts, hashedSince }: JournalCheck,
  missing: ReadonlySet<string>,
): AsyncGenerator<Checked, void, undefined> {
  const { shard, id: bookId } = book;
  const telling = [...accounts].flatMap(([ordinal, account]) => (isTelling(account) ? [ordinal] : []));
  const entries = await openEntries(connection, [shard, bookId, telling]);
  const [kept] = await loadSplitsKept(connection, [{ shard, bookId }]);
  const known = { hashedSince, splitsKept: kept?.fact ?? { throughVersion: 0 } };
  for await (const { rows, after, through } of pagesById(connection, book, PAGE_OF_CHARGES)) {
    const charges = rows.map((row) => ({
      ...foundIn(CHARGES, row),
      closingRecordedAt: row.closing_recorded_at,
    }));
    const about = await rowsAbout(connection, book, [after, through], accounts, entries);
    const there = new Set([...missing, ...charges.map(({ fact }) => fact.charge.id)]);
    const named = new Set(Object.values(about).flatMap((own) => [...own.keys()]));
    const unread = [...named].filter((id) => !there.has(id));
    const absent = await absentOf(connection, book, unread);
    yield {
      findings: [
        ...charges.flatMap((own) => checkCharge(book, own, about, known)),
        ...absent.map((chargeId) => {
          const message = `splits, advances or events are of charge ${chargeId}, which the book does not have`;
          return finding('DANGLING_ROW', { chargeId, version: book.version }, chargeId, 'none', message);
        }),
      ],
      charges: charges.map(({ fact }) => fact),
    };
  }
}

/** By charge, the rows and entries about the charges of a range of ids, whether there are such charges or not. */
async function rowsAbout(
  connection: Connection,
  { shard, id: bookId }: BookPlace,
  [after, through]: readonly [string, string],
  accounts: ReadonlyMap<number, WrittenAccount>,
  booked: Cursor<StoredEntry>,
) {
  const range = [shard, bookId, after, through];
  const [events, advances, reductions, allocations, stored] = await awaitAll([
    eventsOf(connection, range),
    advancesOf(connection, range),
    reductionsOf(connection, range),
    allocationsOf(connection, range),
    everyUpTo(booked, through.replaceAll('-', '')),
  ]);
  const entries = stored.map((entry): ChargedEntry =>
    Object.assign(entry, { account: accounts.get(entry.subAccount)! }),
  );
  return {
    entries: Map.groupBy(entries, ({ chargeId }) => chargeId!),
    events,
    advances,
    reductions,
    allocations,
  };
}

function checkCharge(
  book: RegisteredBook,
  own: FoundCharge,
  about: Awaited<ReturnType<typeof rowsAbout>>,
  { hashedSince, splitsKept }: { readonly hashedSince: number; readonly splitsKept: SplitsKept },
): Finding[] {
  const { id } = own.fact.charge;
  const [events, splits] = [about.events.get(id) ?? [], about.allocations.get(id) ?? []];
  const should = rebuildCharge(
    own,
    events.map(({ fact }) => fact),
    splits.map(({ fact }) => fact),
    about.entries.get(id) ?? [],
    hashedSince,
  );
  const owned = <Fact>(fact: Fact) => ({ shard: book.shard, bookId: book.id, fact });
  const kept = should.allocations.filter((split) => isKept(split, splitsKept));
  const advances = should.advances.map(({ fact, closedVersion }) => ({ ...owned(fact), closedVersion }));
  return [
    ...compare(CHARGES, book, [owned(should.own)], [own]),
    ...compare(CHARGE_EVENTS, book, should.events.map(owned), events),
    ...compare(ADVANCES, book, advances, about.advances.get(id) ?? []),
    ...compare(REDUCTIONS, book, should.reductions.map(owned), about.reductions.get(id) ?? []),
    ...compare(ALLOCATIONS, book, kept.map(owned), splits),
  ];
}
