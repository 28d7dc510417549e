import type { Amount } from '../amount.ts';
import type { Advance, Allocation } from '../credit/charge.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { ADVANCE_COLUMNS, readAdvance, type AdvanceRow } from '../tables/advance-rows.ts';
import { ALLOCATION_COLUMNS, readAllocation, type AllocationRow } from '../tables/allocation-rows.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from '../tables/charge-rows.ts';

/** A charge as it stands in its row, and what happened to it. */
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
export type WrittenEvent = {
  readonly chargeId: string;
  readonly version: number;
  readonly amount: Amount;
  readonly collected: Amount;
  readonly bookedAt: Instant;
  /** Of the last usage report that had one; null also in events of the first format. */
  readonly sequence: number | null;
};
export type WrittenReduction = {
  readonly chargeId: string;
  /** Its entry. */
  readonly version: number;
  readonly position: number;
  readonly collection: number;
  readonly amount: Amount;
  readonly bookedAt: Instant;
};

/** Charges of a page, and all rows of the ids it answers for by their charge. */
export type ChargesPage = {
  readonly charges: readonly WrittenCharge[];
  readonly events: ReadonlyMap<string, readonly WrittenEvent[]>;
  readonly advances: ReadonlyMap<string, readonly WrittenAdvance[]>;
  readonly reductions: ReadonlyMap<string, readonly WrittenReduction[]>;
  readonly allocations: ReadonlyMap<string, readonly Allocation[]>;
};

const PAGE = 500;
const LAST_ID = 'f'.repeat(32);
const FIRST_ID = '0'.repeat(32);

const CHARGES = statement<ChargeRow & { span_class: number | null; closing_recorded_at: Instant | null }>(
  'charges_to_verify',
  `select ${CHARGE_COLUMNS}, c.span_class, w.recorded_at as closing_recorded_at
   from (
     select * from charges c where c.shard = $1 and c.book_id = $2 and c.id < $3::uuid order by c.id desc limit $4
   ) c
   left join lateral (
     select recorded_at from writes w where w.shard = $1 and w.book_id = $2 and w.version = c.closed_version offset 0
   ) w on true
   order by c.id desc`,
);

const OF_RANGE = `a.shard = $1 and a.book_id = $2 and a.charge_id >= $3::uuid and a.charge_id < $4::uuid`;

type Stored<Fact extends { readonly chargeId: string; readonly bookedAt: Instant }> = Omit<
  Fact,
  'chargeId' | 'bookedAt'
> & { charge_id: string; booked_at: Instant };

const EVENTS = statement<Stored<WrittenEvent>>(
  'charge_events_to_verify',
  `select a.charge_id, a.version, a.amount, a.collected, a.booked_at, a.sequence from charge_events a where ${OF_RANGE}
   order by a.charge_id, a.version`,
);
const ADVANCES = statement<AdvanceRow & { closed_version: number | null; span_class: number | null }>(
  'advances_to_verify',
  `select ${ADVANCE_COLUMNS}, a.closed_version, a.span_class from advances a where ${OF_RANGE}`,
);
const REDUCTIONS = statement<Stored<WrittenReduction>>(
  'reductions_to_verify',
  `select a.charge_id, a.version, a.position, a.collection, a.amount, a.booked_at from reductions a
   where ${OF_RANGE}`,
);
const ALLOCATIONS = statement<AllocationRow>(
  'allocations_to_verify',
  `select ${ALLOCATION_COLUMNS} from allocations a where ${OF_RANGE}`,
);

/** A book's charges in pages. */
export async function* writtenCharges(
  connection: Connection,
  { shard, id: bookId }: { readonly shard: number; readonly id: string },
): AsyncGenerator<ChargesPage, void, undefined> {
  for (let until = LAST_ID; ;) {
    const rows = await connection.run(CHARGES, [shard, bookId, until, PAGE]);
    const isLast = rows.length < PAGE;
    const from = isLast ? FIRST_ID : uuidOf(idOf('chg', rows.at(-1)!.id));
    const range = [shard, bookId, from, until];
    const [events, advances, reductions, allocations] = await settleAll([
      connection.run(EVENTS, range),
      connection.run(ADVANCES, range),
      connection.run(REDUCTIONS, range),
      connection.run(ALLOCATIONS, range),
    ]);
    yield {
      charges: rows.map((row) => ({
        ...readCharge(row),
        ...{ spanClass: row.span_class, closingRecordedAt: row.closing_recorded_at },
      })),
      events: byCharge(events.map(ofCharge)),
      reductions: byCharge(reductions.map(ofCharge)),
      allocations: byCharge(allocations.map(readAllocation)),
      advances: Map.groupBy(
        advances.map((row) => ({
          ...{ advance: readAdvance(row), closedVersion: row.closed_version, spanClass: row.span_class },
        })),
        ({ advance }) => advance.chargeId,
      ),
    };
    if (isLast) return;
    until = from;
  }
}

const ofCharge = <Row extends { charge_id: string; booked_at: Instant }>(row: Row) => ({
  ...row,
  ...{ chargeId: idOf('chg', row.charge_id), bookedAt: row.booked_at },
});

const byCharge = <Row extends { readonly chargeId: string }>(rows: readonly Row[]) =>
  Map.groupBy(rows, ({ chargeId }) => chargeId);
