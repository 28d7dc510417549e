import type { Amount } from '../amount.ts';
import type { Charge } from '../credit/charge.ts';
import type { Row } from '../db/codec.ts';
import {
  as,
  bigint,
  id,
  integer,
  inKey,
  computed,
  numeric,
  optional,
  smallint,
  text,
  timestamptz,
  columnSet,
} from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import { lifeClass } from '../db/span.ts';
import { inBook, tableOf, type Owned } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import { TAX } from '../ledger/sub-accounts.ts';
import { DETAILS } from './details.ts';

/** The only reader and writer of `charges`, and the only writer of `charge_events`. */

/** A charge with the version that closed it; null while it is open. */
export type StoredCharge = { readonly charge: Charge; readonly closedVersion: number | null };

/** What a later write may change. */
const standing = columnSet();

export const CHARGES = tableOf<StoredCharge>(
  'charges',
  {
    charge: {
      id: inKey(id('chg')),
      version: bigint,
      recordedAt: timestamptz,
      type: text,
      mode: as('settlement_mode', text),
      currency: text,
      precision: smallint,
      featureKey: optional(text),
      tax: TAX,
      details: DETAILS,
      startsAt: timestamptz,
      holdExpiresAt: timestamptz,
      amount: standing(numeric),
      status: standing(text),
      closedAt: standing(optional(timestamptz)),
      sequence: standing(optional(bigint)),
      collections: standing(integer),
      collected: standing(numeric),
      advanced: standing(numeric),
      invoiced: standing(numeric),
    },
    closedVersion: standing(optional(bigint)),
  },
  {
    span_class: computed(standing(optional(smallint)), ({ fact: { charge, closedVersion } }) =>
      lifeClass(charge.version, closedVersion),
    ),
  },
);

export type ChargeRow = Row<StoredCharge>;

/** What one write did to a charge that weighs, or may, on live. */
export type ChargeEvent = {
  readonly chargeId: string;
  readonly version: number;
  /** The total from this version on. */
  readonly amount: Amount;
  /** What it collected; below zero: gave back. */
  readonly collected: Amount;
  /** From when on the collected part counts. */
  readonly bookedAt: Instant;
  /** Of the last usage report that had one. */
  readonly sequence: number | null;
};

export const CHARGE_EVENTS = tableOf<ChargeEvent>('charge_events', {
  chargeId: inKey(id('chg')),
  version: inKey(bigint),
  amount: numeric,
  collected: numeric,
  bookedAt: timestamptz,
  sequence: optional(bigint),
});

export const loadOpenCharges = CHARGES.finder('open_charges', 'r.closed_version is null');

/** Charges named by their ids, open or not; an id the book does not have gives none. */
export const loadCharges = CHARGES.finderById('charges_by_id', 'id', 'chargeId');

/** The same of one book. */
export const chargesOf = inBook(loadCharges, 'chargeId');

/**
 * `(version)`: the versions that can have collected for a charge, as SQL: the one that made it, and those that its events
 * tell. `condition` holds of rows of an alias.
 */
export const collectingIn = (
  of: Readonly<Record<'shard' | 'bookId' | 'charge', string>>,
  condition = (_alias: string) => 'true',
): string => `
  select c.version from charges c
  where c.shard = ${of.shard} and c.book_id = ${of.bookId} and c.id = ${of.charge} and ${condition('c')}
  union
  select v.version from charge_events v
  where v.shard = ${of.shard} and v.book_id = ${of.bookId} and v.charge_id = ${of.charge} and v.collected > 0
    and ${condition('v')}`;

const one = parameters({ shard: 'smallint', bookId: 'bigint', charge: 'uuid' });

const COLLECTING = statement<{ version: number }>(
  'versions_that_collected',
  `${collectingIn(one)} order by version`,
);

/** The versions that can have collected for a charge, in order. */
export async function collectingVersions(
  connection: Connection,
  book: Placed,
  chargeId: string,
): Promise<readonly number[]> {
  const rows = await connection.run(COLLECTING, bind(one, book, { charge: chargeId }));
  return rows.map(({ version }) => version);
}

const updateCharges = CHARGES.update('update_charges', [standing]);

export const storeCharges = (
  connection: Connection,
  made: readonly Owned<StoredCharge>[],
  changed: readonly Owned<StoredCharge>[],
  events: readonly Owned<ChargeEvent>[],
): readonly Promise<void>[] => [
  CHARGES.insert(connection, made),
  updateCharges(connection, changed),
  CHARGE_EVENTS.insert(connection, events),
];
