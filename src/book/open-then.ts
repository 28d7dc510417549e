import type { Advance } from '../credit/charge.ts';
import { statement, type Connection } from '../db/database.ts';
import { parameters, valuesOf } from '../db/parameters.ts';
import { CLASSES, latestEnds } from '../db/span.ts';
import { KNOWN_BOOK, type KnownBook } from '../ledger/as-of.ts';
import { ADVANCE_COLUMNS, readAdvance, type AdvanceRow } from '../tables/advance-rows.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow, type StoredCharge } from '../tables/charge-rows.ts';
import { GRANT_COLUMNS, readGrant, type GrantRow, type StoredGrant } from '../tables/grant-rows.ts';

/** What was open at a version of a book's past, as it is stored now. */

const p = parameters({
  ...KNOWN_BOOK,
  classes: 'smallint[]',
  ends: 'bigint[]',
});

// Rows that are history now but were open at the version, by the length of their life in versions, and those still
// open. One that closed, was reopened by a correction and closed again counts as open in between: harmless.
const openThen = (table: string, alias: string, columns: string): string => `
  select ${columns} from unnest(${p.classes}, ${p.ends}) classes (class, latest_end)
  join lateral (
    select * from ${table} t
    where t.shard = ${p.shard} and t.book_id = ${p.bookId} and t.span_class = classes.class
      and t.closed_version > ${p.version} and t.closed_version <= classes.latest_end and t.version <= ${p.version}
    offset 0
  ) ${alias} on true
  union all
  select ${columns} from ${table} ${alias}
  where ${alias}.shard = ${p.shard} and ${alias}.book_id = ${p.bookId} and ${alias}.closed_version is null and ${alias}.version <= ${p.version}`;

const then = (past: KnownBook): readonly unknown[] =>
  valuesOf(p, { ...past, classes: CLASSES, ends: latestEnds(past.version) });

const GRANTS_OPEN_THEN = statement<GrantRow>('grants_open_then', openThen('grants', 'g', GRANT_COLUMNS));
const ADVANCES_OPEN_THEN = statement<AdvanceRow>(
  'advances_open_then',
  openThen('advances', 'a', ADVANCE_COLUMNS),
);
const CHARGES_OPEN_THEN = statement<ChargeRow>('charges_open_then', openThen('charges', 'c', CHARGE_COLUMNS));

export const grantsOpenThen = async (
  connection: Connection,
  past: KnownBook,
): Promise<readonly StoredGrant[]> => (await connection.run(GRANTS_OPEN_THEN, then(past))).map(readGrant);

export const advancesOpenThen = async (
  connection: Connection,
  past: KnownBook,
): Promise<readonly Advance[]> => (await connection.run(ADVANCES_OPEN_THEN, then(past))).map(readAdvance);

export const chargesOpenThen = async (
  connection: Connection,
  past: KnownBook,
): Promise<readonly StoredCharge[]> => (await connection.run(CHARGES_OPEN_THEN, then(past))).map(readCharge);
