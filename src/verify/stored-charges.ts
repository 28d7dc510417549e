import type { Amount } from '../amount.ts';
import type { Reduction } from '../credit/book-state.ts';
import type { Advance, Allocation, EntryRef } from '../credit/charge.ts';
import type { Row } from '../db/codec.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { isSettled, type AccountType, type SubAccount } from '../ledger/account.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { ENTRIES, type StoredEntry } from '../ledger/store.ts';
import { ADVANCES, REDUCTIONS } from '../tables/advances.ts';
import { ALLOCATIONS } from '../tables/allocations.ts';
import {
  CHARGE_EVENTS,
  CHARGES,
  type ChargeEvent,
  type ChargeRow,
  type StoredCharge,
} from '../tables/charges.ts';
import type { Book } from './book-set.ts';

/** A charge as it stands in its row. */
export type WrittenCharge = StoredCharge & {
  readonly spanClass: number | null;
  /** When the version that closed it was recorded. */
  readonly closingRecordedAt: Instant | null;
};

export type WrittenAdvance = {
  readonly advance: Advance;
  readonly closedVersion: number | null;
  readonly spanClass: number | null;
};

/** The rows that say what became of a charge. */
export type ChargeRows = {
  readonly events: readonly ChargeEvent[];
  readonly advances: readonly WrittenAdvance[];
  readonly reductions: readonly Reduction[];
  readonly allocations: readonly Allocation[];
};

/** An entry of a charge on the accounts its figures follow from: held credit, debt of advances, earnings. */
export type ChargedEntry = {
  readonly chargeId: string;
  readonly ref: EntryRef;
  readonly account: AccountType;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly bookedAt: Instant;
  /** The entry this one takes back, wholly or in part. */
  readonly reverses: EntryRef | null;
};

/** Charges of a page, and by their charge all rows and entries of their ids and of ids between them. */
export type ChargesPage = {
  readonly charges: readonly WrittenCharge[];
  readonly rows: ReadonlyMap<string, ChargeRows>;
  readonly entries: ReadonlyMap<string, readonly ChargedEntry[]>;
};

const PAGE = 500;
const BEFORE_ALL = '0'.repeat(32);
const LAST_ID = 'f'.repeat(32);

type PageRow = ChargeRow & {
  page_size: number;
  span_class: number | null;
  closing_recorded_at: Instant | null;
};

// Of a full page a row may be missing, as it cannot be read.
const PAGE_OF_CHARGES = statement<PageRow>(
  'charges_to_verify',
  `select ${CHARGES.select('c')}, c.span_class, c.page_size, w.recorded_at as closing_recorded_at
   from (
     select c.*, count(*) over () as page_size from (
       select * from charges c where c.shard = $1 and c.book_id = $2 and c.id > $3::uuid order by c.id limit ${PAGE}
     ) c
   ) c
   left join lateral (
     select recorded_at from writes w where w.shard = $1 and w.book_id = $2 and w.version = c.closed_version offset 0
   ) w on true
   order by c.id`,
);

const OF_RANGE = `a.shard = $1 and a.book_id = $2 and a.charge_id > $3::uuid and a.charge_id <= $4::uuid`;

const EVENTS_OF_RANGE = statement<Row<ChargeEvent>>(
  'charge_events_to_verify',
  `select ${CHARGE_EVENTS.select('a')} from charge_events a where ${OF_RANGE} order by a.charge_id, a.version`,
);
const ADVANCES_OF_RANGE = statement<
  Row<Advance> & { readonly closed_version: number | null; readonly span_class: number | null }
>(
  'advances_to_verify',
  `select ${ADVANCES.select('a')}, a.closed_version, a.span_class from advances a where ${OF_RANGE}`,
);
const REDUCTIONS_OF_RANGE = statement<Row<Reduction>>(
  'reductions_to_verify',
  `select ${REDUCTIONS.select('a')} from reductions a where ${OF_RANGE}`,
);
const ALLOCATIONS_OF_RANGE = statement<Row<Allocation>>(
  'allocations_to_verify',
  `select ${ALLOCATIONS.select('a')} from allocations a where ${OF_RANGE}`,
);
const ENTRIES_OF_RANGE = statement<Row<StoredEntry>>(
  'entries_of_charges',
  `select ${ENTRIES.select('a')} from entries a where ${OF_RANGE} and a.sub_account = any($5::integer[])
   order by a.charge_id, a.version, a.position`,
);

/** Whether a charge's figures follow from an account: held credit, debt of advances, earnings. */
const isTelling = (account: SubAccount): boolean => isSettled(account) || account.type === 'EARNINGS';

/** A book's charges in pages. */
export async function* writtenCharges(
  connection: Connection,
  { shard, id: bookId }: Book,
  accounts: ReadonlyMap<number, SubAccount>,
): AsyncGenerator<ChargesPage, void, undefined> {
  const telling = [...accounts].flatMap(([ordinal, account]) => (isTelling(account) ? [ordinal] : []));
  for (let after = BEFORE_ALL; ;) {
    const rows = await connection.run(PAGE_OF_CHARGES, [shard, bookId, after]);
    const charges = rows.map((row) => ({
      ...CHARGES.read(row),
      spanClass: row.span_class,
      closingRecordedAt: row.closing_recorded_at,
    }));
    const isLast = (rows[0]?.page_size ?? 0) < PAGE;
    const through = isLast ? LAST_ID : uuidOf(charges.at(-1)!.charge.id);
    const range = [shard, bookId, after, through];
    const [events, advances, reductions, allocations, entries] = await settleAll([
      connection.run(EVENTS_OF_RANGE, range),
      connection.run(ADVANCES_OF_RANGE, range),
      connection.run(REDUCTIONS_OF_RANGE, range),
      connection.run(ALLOCATIONS_OF_RANGE, range),
      connection.run(ENTRIES_OF_RANGE, [...range, telling]),
    ]);
    const of = {
      events: Map.groupBy(events.map(CHARGE_EVENTS.read), ({ chargeId }) => chargeId),
      advances: Map.groupBy(advances.map(readAdvance), ({ advance }) => advance.chargeId),
      reductions: Map.groupBy(reductions.map(REDUCTIONS.read), ({ chargeId }) => chargeId),
      allocations: Map.groupBy(allocations.map(ALLOCATIONS.read), ({ chargeId }) => chargeId),
    };
    const named = new Set(Object.values(of).flatMap((own) => [...own.keys()]));
    const rowsOf = (id: string): ChargeRows => ({
      events: of.events.get(id) ?? [],
      advances: of.advances.get(id) ?? [],
      reductions: of.reductions.get(id) ?? [],
      allocations: of.allocations.get(id) ?? [],
    });
    const charged = entries
      .map(ENTRIES.read)
      .map((entry) => chargedEntry(entry, accounts.get(entry.subAccount)!.type));
    yield {
      charges,
      rows: new Map([...named].map((id) => [id, rowsOf(id)])),
      entries: Map.groupBy(charged, ({ chargeId }) => chargeId),
    };
    if (isLast) return;
    after = through;
  }
}

const readAdvance = (
  row: Row<Advance> & { readonly closed_version: number | null; readonly span_class: number | null },
): WrittenAdvance => ({
  advance: ADVANCES.read(row),
  closedVersion: row.closed_version,
  spanClass: row.span_class,
});

const chargedEntry = (
  { chargeId, version, position, ...entry }: StoredEntry,
  account: AccountType,
): ChargedEntry => ({ ...entry, chargeId: chargeId!, ref: { version, position }, account });
