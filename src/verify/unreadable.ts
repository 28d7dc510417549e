import { classify } from '../db/failure.ts';
import { statement, type Connection, type Snapshot } from '../db/database.ts';
import { keyOf, type UnreadableRow } from '../db/unreadable.ts';
import { idOf } from '../id.ts';
import { isRefusal } from '../refusal.ts';
import { finding, type Finding } from './finding.ts';

/** A connection that goes on without rows that cannot be read, and what it has come across. */
export type Inspection = {
  readonly connection: Connection;
  /** The rows met since the last time, one finding each; none is told twice. */
  findings(version: number): Promise<readonly Finding[]>;
};

const TABLE = statement<{ name: string }>(
  'table_name',
  'select relname::text as name from pg_class where oid = $1',
);

export function inspect(snapshot: Snapshot): Inspection {
  const told = new Set<string>();
  let met: UnreadableRow[] = [];
  const connection = snapshot.without((row) => met.push(row));
  return {
    connection,
    async findings(version) {
      // What was computed of such a row is no row; the row itself is met where it is read.
      const rows = met.filter(({ tableId }) => tableId !== 0);
      met = [];
      const findings: Finding[] = [];
      for (const row of rows) {
        const [table] = await connection.run(TABLE, [row.tableId]);
        const found = findingOf(table?.name ?? 'a table', row, version);
        if (told.has(found.message)) continue;
        told.add(found.message);
        findings.push(found);
      }
      return findings;
    },
  };
}

function findingOf(table: string, unreadable: UnreadableRow, bookVersion: number): Finding {
  const { column, text, row } = unreadable;
  const { version, known_from: knownFrom, until_version: untilVersion } = row;
  const grantId = row['grant_id'] ?? (table === 'grants' ? row['id'] : null);
  const chargeId = row['charge_id'] ?? (table === 'charges' ? row['id'] : null);
  const key = keyOf(unreadable);
  const place = {
    version: Number(version ?? knownFrom ?? untilVersion ?? bookVersion),
    ...((grantId ?? null) !== null && { grantId: idOf('grt', grantId!) }),
    ...((chargeId ?? null) !== null && { chargeId: idOf('chg', chargeId!) }),
  };
  const message = `a row of ${table}${key === '' ? '' : ` (${key})`} cannot be read: its ${column} is ${text}`;
  return finding('UNREADABLE_ROW', place, `${column} that can be read`, text, message);
}

/**
 * What a verification makes of an error that only damaged rows explain: it could not go on with the book. Null for what
 * is no fault of the rows: a lost or slow database, a reader who has left.
 */
export function brokenOff(error: unknown, version: number): Finding | null {
  const ofDatabase = error instanceof Error && 'code' in error;
  const ofRows = error instanceof Error && !ofDatabase && !isRefusal(error) && classify(error) === 'fault';
  if (!ofRows || error.name === 'AbortError') return null;
  const message = `the book could not be verified to its end: ${error.message}`;
  return finding('UNREADABLE_ROW', { version }, 'rows that follow from each other', error.message, message);
}
