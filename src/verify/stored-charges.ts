import type { Amount } from '../amount.ts';
import type { Reduction } from '../credit/book-state.ts';
import type { Allocation, EntryRef } from '../credit/charge.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { isSettled, type AccountType, type SubAccount } from '../ledger/account.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { ADVANCE_COLUMNS, readAdvance, type AdvanceRow, type StoredAdvance } from '../tables/advance-rows.ts';
import { ALLOCATION_COLUMNS, readAllocation, type AllocationRow } from '../tables/allocation-rows.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from '../tables/charge-rows.ts';
import type { ChargeEvent } from '../tables/store-charges.ts';
import type { Book } from './book-set.ts';

/** A charge as it stands in its row. */
export type WrittenCharge = StoredCharge & {
  readonly spanClass: number | null;
  /** When the version that closed it was recorded. */
  readonly closingRecordedAt: Instant | null;
};

/** The rows that say what became of a charge. */
export type ChargeRows = {
  readonly events: readonly Omit<ChargeEvent, 'shard' | 'bookId'>[];
  readonly advances: readonly (Pick<StoredAdvance, 'advance' | 'closedVersion'> & {
    readonly spanClass: number | null;
  })[];
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

type Row = ChargeRow & { page_size: number; span_class: number | null; closing_recorded_at: Instant | null };

// Of a full page a row may be missing, as it cannot be read.
const CHARGES = statement<Row>(
  'charges_to_verify',
  `select ${CHARGE_COLUMNS}, c.span_class, c.page_size, w.recorded_at as closing_recorded_at
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

type EventRow = {
  charge_id: string;
  version: number;
  amount: Amount;
  collected: Amount;
  booked_at: Instant;
  sequence: number | null;
};
const EVENTS = statement<EventRow>(
  'charge_events_to_verify',
  `select a.charge_id, a.version, a.amount, a.collected, a.booked_at, a.sequence from charge_events a where ${OF_RANGE}
   order by a.charge_id, a.version`,
);
const ADVANCES = statement<AdvanceRow & { closed_version: number | null; span_class: number | null }>(
  'advances_to_verify',
  `select ${ADVANCE_COLUMNS}, a.closed_version, a.span_class from advances a where ${OF_RANGE}`,
);
type ReductionRow = {
  charge_id: string;
  version: number;
  position: number;
  collection: number;
  amount: Amount;
  booked_at: Instant;
};
const REDUCTIONS = statement<ReductionRow>(
  'reductions_to_verify',
  `select a.charge_id, a.version, a.position, a.collection, a.amount, a.booked_at from reductions a
   where ${OF_RANGE}`,
);
const ALLOCATIONS = statement<AllocationRow>(
  'allocations_to_verify',
  `select ${ALLOCATION_COLUMNS} from allocations a where ${OF_RANGE}`,
);
type EntryRow = {
  charge_id: string;
  version: number;
  position: number;
  sub_account: number;
  kind: PostingKind;
  amount: Amount;
  grant_id: string | null;
  booked_at: Instant;
  reversed_version: number | null;
  reversed_position: number | null;
};
const ENTRIES = statement<EntryRow>(
  'entries_of_charges',
  `select a.charge_id, a.version, a.position, a.sub_account, a.kind, a.amount, a.grant_id, a.booked_at,
          a.reversed_version, a.reversed_position
   from entries a where ${OF_RANGE} and a.sub_account = any($5::integer[])
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
    const rows = await connection.run(CHARGES, [shard, bookId, after]);
    const isLast = (rows[0]?.page_size ?? 0) < PAGE;
    const through = isLast ? LAST_ID : uuidOf(idOf('chg', rows.at(-1)!.id));
    const range = [shard, bookId, after, through];
    const [events, advances, reductions, allocations, entries] = await settleAll([
      connection.run(EVENTS, range),
      connection.run(ADVANCES, range),
      connection.run(REDUCTIONS, range),
      connection.run(ALLOCATIONS, range),
      connection.run(ENTRIES, [...range, telling]),
    ]);
    const of = {
      events: byCharge(events),
      advances: byCharge(advances),
      reductions: byCharge(reductions),
      allocations: byCharge(allocations),
    };
    const named = new Set(Object.values(of).flatMap((own) => [...own.keys()]));
    yield {
      charges: rows.map((row) => ({
        ...readCharge(row),
        ...{ spanClass: row.span_class, closingRecordedAt: row.closing_recorded_at },
      })),
      rows: new Map(
        [...named].map((id) => [
          id,
          {
            events: (of.events.get(id) ?? []).map((row) => ({
              ...row,
              ...{ chargeId: id, bookedAt: row.booked_at },
            })),
            advances: (of.advances.get(id) ?? []).map((row) => ({
              ...{ advance: readAdvance(row), closedVersion: row.closed_version, spanClass: row.span_class },
            })),
            reductions: (of.reductions.get(id) ?? []).map((row) => ({
              ...{ chargeId: id, ref: { version: row.version, position: row.position } },
              ...{ collection: row.collection, amount: row.amount, at: row.booked_at },
            })),
            allocations: (of.allocations.get(id) ?? []).map(readAllocation),
          },
        ]),
      ),
      entries: Map.groupBy(
        entries.map((row) => readEntry(row, accounts.get(row.sub_account)!.type)),
        ({ chargeId }) => chargeId,
      ),
    };
    if (isLast) return;
    after = through;
  }
}

const byCharge = <OfCharge extends { readonly charge_id: string }>(rows: readonly OfCharge[]) =>
  Map.groupBy(rows, (row) => idOf('chg', row.charge_id));

const readEntry = (row: EntryRow, account: AccountType): ChargedEntry => ({
  ...{ chargeId: idOf('chg', row.charge_id), ref: { version: row.version, position: row.position } },
  ...{ account, kind: row.kind, amount: row.amount, bookedAt: row.booked_at },
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  reverses:
    row.reversed_version === null || row.reversed_position === null
      ? null
      : { version: row.reversed_version, position: row.reversed_position },
});
