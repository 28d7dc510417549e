import type { Amount } from '../amount.ts';
import type { Charge, ChargeStatus } from '../credit/charge.ts';
import { settleAll, statement, type Connection, type Statement } from '../db/database.ts';
import { CLASSES } from '../db/span.ts';
import { timestamp } from '../db/types.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { JournalPoint } from '../ledger/history.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from '../tables/charge-rows.ts';
import { chargesOpenThen, type PastBook } from './open-then.ts';

type Row = { charge_id: string; amount: Amount; collected: Amount };

// A report counts from its recording on, a collection from its booked_at on (domain.md §9).
const STANDING_THEN = statement<Row>(
  'charges_standing_then',
  `select named.charge_id, reported.amount, collected.amount as collected
   from unnest($6::uuid[]) named (charge_id)
   join lateral (
     select e.amount from charge_events e
     where e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id and e.version <= $4
     order by e.version desc limit 1
   ) reported on true
   join lateral (
     select coalesce(sum(e.collected), 0) as amount from charge_events e
     where e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id and e.version <= $5 and e.booked_at <= $3
   ) collected on true`,
);

/** Charges that were open at a version with the totals and collections that count at the point; all of them open. */
export async function chargesAsKnown(
  connection: Connection,
  { shard, bookId, at, recordedBy, version }: JournalPoint,
  open: readonly StoredCharge[],
): Promise<readonly Charge[]> {
  if (open.length === 0) return [];
  const ids = open.map(({ charge }) => uuidOf(charge.id));
  const rows = await connection.run(STANDING_THEN, [shard, bookId, timestamp(at), recordedBy, version, ids]);
  const then = new Map(rows.map((row) => [idOf('chg', row.charge_id), row]));
  return open.flatMap(({ charge }) => {
    const row = then.get(charge.id);
    // One without events was never open: it was made and closed in one write.
    if (row === undefined) return [];
    return [
      { ...charge, amount: row.amount, collected: row.collected, status: 'OPEN' as const, closedAt: null },
    ];
  });
}

const CLOSED_WITHIN = statement<ChargeRow>(
  'charges_closed_within',
  `select ${CHARGE_COLUMNS} from unnest($5::smallint[]) classes (class)
   join lateral (
     select * from charges c
     where c.shard = $1 and c.book_id = $2 and c.span_class = classes.class
       and c.closed_version > $3 and c.closed_version <= $4 and c.version > $3
     offset 0
   ) c on true`,
);

/** The charges that were opened after one version and by another; not those made and closed in one write. */
export async function chargesOpenedWithin(
  connection: Connection,
  { shard, bookId, version }: PastBook,
  after: number,
): Promise<readonly Charge[]> {
  const [closed, open] = await settleAll([
    connection.run(CLOSED_WITHIN, [shard, bookId, after, version, CLASSES]),
    chargesOpenThen(connection, { shard, bookId, version }),
  ]);
  return [...closed.map(readCharge), ...open].map(({ charge }) => charge).filter((c) => c.version > after);
}

/** What one write did to a charge that was open. */
export type ChargeEvent = {
  readonly chargeId: string;
  readonly version: number;
  readonly recordedAt: Instant;
  /** The total from its recording on. */
  readonly amount: Amount;
  /** What it collected (below zero: gave back), from `bookedAt` on. */
  readonly collected: Amount;
  readonly bookedAt: Instant;
  /** How it closed the charge; null if it did not. */
  readonly closes: ChargeStatus | null;
};

type EventRow = {
  charge_id: string;
  version: number;
  recorded_at: Instant;
  amount: Amount;
  collected: Amount;
  booked_at: Instant;
  closes: ChargeStatus | null;
};

const events = (name: string, which: string): Statement<EventRow> =>
  statement(
    name,
    `select e.charge_id, e.version, w.recorded_at, e.amount, e.collected, e.booked_at,
            case when c.closed_version = e.version then c.status end as closes
     from unnest($3::uuid[]) named (charge_id)
     join charge_events e on e.shard = $1 and e.book_id = $2 and e.charge_id = named.charge_id
       and e.version > $4 and e.version <= $5
     join writes w on w.shard = $1 and w.book_id = $2 and w.version = e.version
     join charges c on c.shard = $1 and c.book_id = $2 and c.id = named.charge_id
     where ${which}
     order by e.version`,
  );

const EVENTS_WITHIN = events('charge_events_within', 'true');
const LATE_EVENTS = events('charge_events_told_late', 'e.collected <> 0 and e.booked_at < w.recorded_at');

type VersionRange = PastBook & { readonly after: number };

/** What happened to some charges after one version and by another, in order. */
export const chargeEventsWithin = (
  connection: Connection,
  range: VersionRange,
  chargeIds: readonly string[],
): Promise<readonly ChargeEvent[]> => runEvents(connection, EVENTS_WITHIN, range, chargeIds);

/** Of these the collections that were recorded later than they count from. */
export const collectionsToldLate = (
  connection: Connection,
  range: VersionRange,
  chargeIds: readonly string[],
): Promise<readonly ChargeEvent[]> => runEvents(connection, LATE_EVENTS, range, chargeIds);

async function runEvents(
  connection: Connection,
  which: Statement<EventRow>,
  { shard, bookId, after, version }: VersionRange,
  chargeIds: readonly string[],
): Promise<readonly ChargeEvent[]> {
  if (chargeIds.length === 0) return [];
  const rows = await connection.run(which, [
    shard,
    bookId,
    [...new Set(chargeIds.map(uuidOf))],
    after,
    version,
  ]);
  return rows.map((row) => ({
    chargeId: idOf('chg', row.charge_id),
    version: row.version,
    recordedAt: row.recorded_at,
    amount: row.amount,
    collected: row.collected,
    bookedAt: row.booked_at,
    closes: row.closes,
  }));
}
