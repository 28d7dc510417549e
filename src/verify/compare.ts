import type { Row, ColumnValues } from '../db/codec.ts';
import { flat } from '../db/columns.ts';
import type { Owned, Table } from '../db/table.ts';
import { differences, finding, type Finding, type Place } from './finding.ts';

/** A row that was found, and the fact in it. */
export type FoundRow<Fact> = { readonly row: Row<Fact>; readonly fact: Fact };

export const foundIn = <Fact>(table: { read(row: Row<Fact>): Fact }, row: Row<Fact>): FoundRow<Fact> => ({
  row,
  fact: table.read(row),
});

/** What a row is called, and the columns that tell it apart from others of its book. */
const ROWS: Readonly<Record<string, { readonly noun: string; readonly key: readonly string[] }>> = {
  grants: { noun: 'grant', key: ['id'] },
  scheduled_grants: { noun: 'promise', key: ['grant_id', 'known_from'] },
  charges: { noun: 'charge', key: ['id'] },
  charge_events: { noun: 'charge event', key: ['charge_id', 'version'] },
  advances: { noun: 'advance', key: ['charge_id', 'collection'] },
  reductions: { noun: 'reduction', key: ['charge_id', 'version', 'position'] },
  allocations: { noun: 'split', key: ['charge_id', 'version', 'position'] },
};

/**
 * Rows of a table in a book against those there should be, each as what stores it would write it: column by column, those
 * that are missing, and those that nothing tells of.
 */
export function compare<Fact, More>(
  table: Table<Fact, More>,
  book: { readonly version: number },
  expected: readonly (Owned<Fact> & More)[],
  found: readonly FoundRow<Fact>[],
): Finding[] {
  if (expected.length === 0 && found.length === 0) return [];
  const kind = table.name === 'scheduled_grants' ? 'SCHEDULED_INDEX' : 'PROJECTION';
  const typeOf = (column: string) => flat(table.columns).find(({ name }) => name === column)!.type;
  const rows = new Map(
    found.map(({ row }) => {
      const values = table.valuesIn(row);
      return [keyOf(table.name, values), values];
    }),
  );
  const findings: Finding[] = [];
  for (const own of expected) {
    const should = table.values(own);
    const key = keyOf(table.name, should);
    const is = rows.get(key);
    rows.delete(key);
    const name = nameOf(table.name, should);
    const place = placeOf(table.name, should, book.version);
    if (is !== undefined) findings.push(...differences(kind, place, name, should, is, typeOf));
    else findings.push(finding(kind, place, 'a row', 'none', `${name} is missing`));
  }
  for (const is of rows.values()) {
    const name = nameOf(table.name, is);
    const place = placeOf(table.name, is, Number(is['known_from'] ?? book.version));
    findings.push(finding(kind, place, 'none', 'a row', `${name} is there, and nothing tells of it`));
  }
  return findings;
}

const keyOf = (table: string, values: ColumnValues): string =>
  ROWS[table]!.key.map((column) => String(values[column])).join();

function nameOf(table: string, values: ColumnValues): string {
  const { noun, key } = ROWS[table]!;
  const [own = '', ...others] = key;
  if (others.length === 0) return `${noun} ${String(values[own])}`;
  return `the ${noun} (${key.map((column) => `${column} ${String(values[column])}`).join(', ')})`;
}

/** A row of what happened under a version shows there; others at `version`. */
function placeOf(table: string, values: ColumnValues, version: number): Place {
  const { id, grant_id: ofGrant, charge_id: ofCharge } = values as Readonly<Record<string, string>>;
  const [grantId, chargeId] = [table === 'grants' ? id : ofGrant, table === 'charges' ? id : ofCharge];
  return {
    version: ROWS[table]!.key.includes('version') ? Number(values['version']) : version,
    ...(grantId !== undefined && { grantId }),
    ...(chargeId !== undefined && { chargeId }),
  };
}
