import type { Reduction } from '../credit/book-state.ts';
import type { Advance } from '../credit/charge.ts';
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
import type { Connection } from '../db/database.ts';
import { lifeClass } from '../db/span.ts';
import { inBook, tableOf, type Owned } from '../db/table.ts';
import { TAX } from '../ledger/sub-accounts.ts';

/** The only reader and writer of `advances`, and the only writer of `reductions`. */

/** `closedVersion`: the version that covered or reduced away the last of it; null while some of it is uncovered. */
export type OwnedAdvance = Owned<Advance> & { readonly closedVersion: number | null };

/** What a later write may change. */
const standing = columnSet();

export const ADVANCES = tableOf<Advance, OwnedAdvance>(
  'advances',
  {
    chargeId: inKey(id('chg')),
    collection: inKey(integer),
    entry: { version: bigint, position: as('entry_position', integer) },
    currency: text,
    featureKey: optional(text),
    tax: TAX,
    amount: numeric,
    at: as('booked_at', timestamptz),
    uncovered: standing(numeric),
  },
  {
    closed_version: computed(standing(optional(bigint)), ({ closedVersion }) => closedVersion),
    span_class: computed(standing(optional(smallint)), ({ fact: { entry }, closedVersion }) =>
      lifeClass(entry.version, closedVersion),
    ),
  },
);

export const REDUCTIONS = tableOf<Reduction>('reductions', {
  chargeId: inKey(id('chg')),
  version: inKey(bigint),
  number: inKey(as('position', integer)),
  collection: integer,
  amount: numeric,
  at: as('booked_at', timestamptz),
});

export const loadOpenAdvances = ADVANCES.finder('open_advances', 'r.closed_version is null');

const findAdvances = ADVANCES.finderById('advances_of_charges', 'charge_id', 'chargeId');

/** Every advance some charges of a book made, open or not. */
export const advancesOf = inBook(findAdvances, 'chargeId');

const updateAdvances = ADVANCES.update('update_advances', [standing]);

export const storeAdvances = (
  connection: Connection,
  made: readonly OwnedAdvance[],
  changed: readonly OwnedAdvance[],
  reductions: readonly Owned<Reduction>[],
): readonly Promise<void>[] => [
  ADVANCES.insert(connection, made),
  updateAdvances(connection, changed),
  REDUCTIONS.insert(connection, reductions),
];
