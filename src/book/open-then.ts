import type { Advance } from '../credit/charge.ts';
import { statement, type Connection } from '../db/database.ts';
import { CLASSES, latestEnds } from '../db/span.ts';
import { ADVANCE_COLUMNS, readAdvance, type AdvanceRow } from '../tables/advance-rows.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from '../tables/charge-rows.ts';
import { GRANT_COLUMNS, readGrant, type GrantRow, type StoredGrant } from '../tables/grant-rows.ts';

/** What was open at a version of a book's past, as it is stored now. */

/** A book at a version of its past. */
export type PastBook = { readonly shard: number; readonly bookId: string; readonly version: number };

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

export const grantsOpenThen = async (
  connection: Connection,
  past: PastBook,
): Promise<readonly StoredGrant[]> =>
  (await connection.run(GRANTS_OPEN_THEN, parameters(past))).map(readGrant);

export const advancesOpenThen = async (connection: Connection, past: PastBook): Promise<readonly Advance[]> =>
  (await connection.run(ADVANCES_OPEN_THEN, parameters(past))).map(readAdvance);

export const chargesOpenThen = async (
  connection: Connection,
  past: PastBook,
): Promise<readonly StoredCharge[]> =>
  (await connection.run(CHARGES_OPEN_THEN, parameters(past))).map(readCharge);
