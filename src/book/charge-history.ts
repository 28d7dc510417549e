import type { KnownBook } from '../db/placement.ts';
import type { Amount } from '../amount.ts';
import type { Charge, ChargeStatus } from '../credit/charge.ts';
import { codec, type Row } from '../db/codec.ts';
import { bigint, id, numeric, optional, text, timestamptz } from '../db/columns.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { CLASSES } from '../db/span.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { isLate, KNOWN_BOOK, POINT, type JournalPoint } from '../ledger/as-of.ts';
import { CHARGES, type ChargeRow, type StoredCharge } from '../tables/charges.ts';
import { chargesOpenThen } from './open-then.ts';

const point = parameters({ ...POINT, chargeIds: 'uuid[]' });

// A report counts from its recording on, a collection from its booked_at on (domain.md §9).
const STANDING_THEN = statement<{ charge_id: string; amount: Amount; collected: Amount }>(
  'charges_standing_then',
  `select named.charge_id, reported.amount, collected.amount as collected
   from unnest(${point.chargeIds}) named (charge_id)
   join lateral (
     select e.amount from charge_events e
     where e.shard = ${point.shard} and e.book_id = ${point.bookId} and e.charge_id = named.charge_id
       and e.version <= ${point.recordedBy}
     order by e.version desc limit 1
   ) reported on true
   join lateral (
     select coalesce(sum(e.collected), 0) as amount from charge_events e
     where e.shard = ${point.shard} and e.book_id = ${point.bookId} and e.charge_id = named.charge_id
       and e.version <= ${point.version} and e.booked_at <= ${point.asOf}
   ) collected on true`,
);

/** Charges that were open at a version with the totals and collections that count at the point; all of them open. */
export async function chargesAsKnown(
  connection: Connection,
  then: JournalPoint,
  open: readonly StoredCharge[],
): Promise<readonly Charge[]> {
  if (open.length === 0) return [];
  const chargeIds = open.map(({ charge }) => charge.id);
  const rows = await connection.run(STANDING_THEN, bind(point, then, { chargeIds }));
  const standing = new Map(rows.map((row) => [idOf('chg', row.charge_id), row]));
  return open.flatMap(({ charge }) => {
    const row = standing.get(charge.id);
    // One without events was never open: it was made and closed in one write.
    if (row === undefined) return [];
    return [
      { ...charge, amount: row.amount, collected: row.collected, status: 'OPEN' as const, closedAt: null },
    ];
  });
}

const RANGE = { ...KNOWN_BOOK, after: 'bigint' } as const;
const range = parameters({ ...RANGE, classes: 'smallint[]' });

const CLOSED_WITHIN = statement<ChargeRow>(
  'charges_closed_within',
  `select ${CHARGES.select('c')} from unnest(${range.classes}) classes (class)
   join lateral (
     select * from charges c
     where c.shard = ${range.shard} and c.book_id = ${range.bookId} and c.span_class = classes.class
       and c.closed_version > ${range.after} and c.closed_version <= ${range.version} and c.version > ${range.after}
     offset 0
   ) c on true`,
);

/** The charges that were opened after one version and by another; not those made and closed in one write. */
export async function chargesOpenedWithin(
  connection: Connection,
  versions: VersionRange,
): Promise<readonly Charge[]> {
  const [closed, open] = await awaitAll([
    connection.run(CLOSED_WITHIN, bind(range, versions, { classes: CLASSES })),
    chargesOpenThen(connection, versions),
  ]);
  const all = [...closed.map(CHARGES.read), ...open].map(({ charge }) => charge);
  return all.filter(({ version }) => version > versions.after);
}

/** What one write did to a charge that was open. */
export type RecordedEvent = {
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

const EVENT = codec<RecordedEvent>({
  chargeId: id('chg'),
  version: bigint,
  recordedAt: timestamptz,
  amount: numeric,
  collected: numeric,
  bookedAt: timestamptz,
  closes: optional(text),
});

const named = parameters({ ...RANGE, chargeIds: 'uuid[]' });

/** The versions after one and up to another. */
type VersionRange = KnownBook & { readonly after: number };

function eventsThat(name: string, which: string) {
  const events = statement<Row<RecordedEvent>>(
    name,
    `select e.charge_id, e.version, w.recorded_at, e.amount, e.collected, e.booked_at,
            case when c.closed_version = e.version then c.status end as closes
     from unnest(${named.chargeIds}) named (charge_id)
     join charge_events e on e.shard = ${named.shard} and e.book_id = ${named.bookId}
       and e.charge_id = named.charge_id and e.version > ${named.after} and e.version <= ${named.version}
     join writes w on w.shard = ${named.shard} and w.book_id = ${named.bookId} and w.version = e.version
     join charges c on c.shard = ${named.shard} and c.book_id = ${named.bookId} and c.id = named.charge_id
     where ${which}
     order by e.version`,
  );
  return async (
    connection: Connection,
    versions: VersionRange,
    chargeIds: readonly string[],
  ): Promise<readonly RecordedEvent[]> => {
    if (chargeIds.length === 0) return [];
    const asked = bind(named, versions, { chargeIds: [...new Set(chargeIds)] });
    return (await connection.run(events, asked)).map(EVENT.read);
  };
}

/** What happened to some charges after one version and by another, in order. */
export const chargeEventsWithin = eventsThat('charge_events_within', 'true');

/** Of these the collections that were recorded later than they count from. */
export const lateCollections = eventsThat('late_charge_events', `e.collected <> 0 and ${isLate('e', 'w')}`);
