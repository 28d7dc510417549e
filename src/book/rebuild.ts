import { sumAmounts, type Amount } from '../amount.ts';
import type { Advance, Charge } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { CLASSES, latestEnds } from '../db/span.ts';
import { idOf, uuidOf } from '../id.ts';
import { grantTotals } from '../ledger/history.ts';
import { ADVANCE_COLUMNS, readAdvance, type AdvanceRow } from './advance-rows.ts';
import { grantAsKnown } from './as-known.ts';
import { chargesAsKnown } from './charge-history.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from './charge-rows.ts';
import { loadFormerTerms } from './former-terms.ts';
import { GRANT_COLUMNS, readGrant, type GrantRow, type StoredGrant } from './grant-rows.ts';
import type { BookView } from './view.ts';

/** What a state is put together from. */
export type Parts = {
  readonly grants: readonly Grant[];
  readonly advances: readonly Advance[];
  readonly charges: readonly Charge[];
};

/** A book at a version of its past. */
export type PastBook = { readonly shard: number; readonly bookId: string; readonly version: number };

/** The state a book had at an earlier version, by what was known at it; `named` grants are included, open or not. */
export async function rebuild(
  connection: Connection,
  view: BookView,
  bookId: string,
  named: readonly StoredGrant[],
): Promise<Parts> {
  const { shard, version, clock } = view;
  const past = { shard, bookId, version };
  const [openThen, advanceRows, chargesThen] = await settleAll([
    grantsOpenThen(connection, past),
    connection.run(ADVANCES_OPEN_THEN, parameters(past)),
    chargesOpenThen(connection, past),
  ]);
  const grants = [...named, ...openThen];
  const ids = grants.map(({ grant }) => grant.id);
  const advances = advanceRows.map(readAdvance);
  const [totals, terms, settledUp, charges] = await settleAll([
    grantTotals(connection, { ...past, at: clock, recordedBy: version }, ids),
    loadFormerTerms(
      connection,
      ids.map((grantId) => ({ shard, bookId, grantId })),
    ),
    connection.run(SETTLED_UP, [shard, bookId, version, advances.map((advance) => uuidOf(advance.chargeId))]),
    chargesAsKnown(connection, { ...past, at: clock, recordedBy: version }, chargesThen),
  ]);
  return {
    grants: grants.map((own) => grantAsKnown(own, view, totals, terms)),
    advances: advances.map((advance) => ({
      ...advance,
      uncovered: advance.amount - settledOf(settledUp, advance),
    })),
    charges,
  };
}

// Rows that are history now but were open at the version, by the length of their life in versions, and those still
// open. One that closed, was reopened by a correction and closed again counts as open in between: harmless.
const openThen = (table: string, alias: string, columns: string): string => `
  select ${columns} from unnest($4::smallint[], $5::bigint[]) classes (class, latest_end)
  join lateral (
    select * from ${table} t
    where t.shard = $1 and t.book_id = $2 and t.span_class = classes.class
      and t.closed_version > $3 and t.closed_version <= classes.latest_end and t.version <= $3
    offset 0
  ) ${alias} on true
  union all
  select ${columns} from ${table} ${alias}
  where ${alias}.shard = $1 and ${alias}.book_id = $2 and ${alias}.closed_version is null and ${alias}.version <= $3`;

const parameters = ({ shard, bookId, version }: PastBook): readonly unknown[] => [
  ...[shard, bookId, version],
  ...[CLASSES, latestEnds(version)],
];

const GRANTS_OPEN_THEN = statement<GrantRow>('grants_open_then', openThen('grants', 'g', GRANT_COLUMNS));
const ADVANCES_OPEN_THEN = statement<AdvanceRow>(
  'advances_open_then',
  openThen('advances', 'a', ADVANCE_COLUMNS),
);
const CHARGES_OPEN_THEN = statement<ChargeRow>('charges_open_then', openThen('charges', 'c', CHARGE_COLUMNS));

/** The grants that were open at a version, as they are stored now. */
export const grantsOpenThen = async (
  connection: Connection,
  past: PastBook,
): Promise<readonly StoredGrant[]> =>
  (await connection.run(GRANTS_OPEN_THEN, parameters(past))).map(readGrant);

/** The charges that were open at a version, as they are stored now. */
export const chargesOpenThen = async (
  connection: Connection,
  past: PastBook,
): Promise<readonly StoredCharge[]> =>
  (await connection.run(CHARGES_OPEN_THEN, parameters(past))).map(readCharge);

type SettledUp = { charge_id: string; collection: number; amount: Amount };

const SETTLED_UP = statement<SettledUp>(
  'advances_settled_up',
  `select a.charge_id, a.collection, a.amount from allocations a
   where a.shard = $1 and a.book_id = $2 and a.charge_id = any($4::uuid[]) and a.version <= $3 and a.kind = 'COVER'
   union all
   select r.charge_id, r.collection, r.amount from reductions r
   where r.shard = $1 and r.book_id = $2 and r.charge_id = any($4::uuid[]) and r.version <= $3`,
);

/** What had been covered or reduced of an advance. */
const settledOf = (rows: readonly SettledUp[], { chargeId, collection }: Advance): Amount =>
  sumAmounts(
    rows
      .filter((row) => idOf('chg', row.charge_id) === chargeId && row.collection === collection)
      .map((row) => row.amount),
  );
