import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { KnownBook } from '../db/placement.ts';
import { CLASSES, latestEnds } from '../db/span.ts';
import type { Table } from '../db/table.ts';
import { KNOWN_BOOK } from '../ledger/as-of.ts';
import { ADVANCES } from '../tables/advances.ts';
import { CHARGES } from '../tables/charges.ts';
import { GRANTS } from '../tables/grants.ts';

const p = parameters({ ...KNOWN_BOOK, classes: 'smallint[]', ends: 'bigint[]' });

/**
 * What was open at a version of a book's past, as it is stored now: rows that are history now but were open at the
 * version, by the length of their life in versions, and those still open. One that closed, was reopened by a correction
 * and closed again counts as open in between: harmless.
 */
function openThen<Fact>({ name, select, read }: Pick<Table<Fact>, 'name' | 'select' | 'read'>) {
  const found = statement<Row<Fact>>(
    `${name}_open_then`,
    `select ${select('r')} from unnest(${p.classes}, ${p.ends}) classes (class, latest_end)
     join lateral (
       select * from ${name} t
       where t.shard = ${p.shard} and t.book_id = ${p.bookId} and t.span_class = classes.class
         and t.closed_version > ${p.version} and t.closed_version <= classes.latest_end and t.version <= ${p.version}
       offset 0
     ) r on true
     union all
     select ${select('r')} from ${name} r
     where r.shard = ${p.shard} and r.book_id = ${p.bookId} and r.closed_version is null and r.version <= ${p.version}`,
  );
  return async (connection: Connection, past: KnownBook): Promise<readonly Fact[]> => {
    const params = bind(p, past, { classes: CLASSES, ends: latestEnds(past.version) });
    return (await connection.run(found, params)).map(read);
  };
}

export const grantsOpenThen = openThen(GRANTS);
export const advancesOpenThen = openThen(ADVANCES);
export const chargesOpenThen = openThen(CHARGES);
