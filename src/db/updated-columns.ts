/**
 * Which columns of which tables any statement updates, noted where the statement is made: those, and no others, the
 * service's role may update (privileges.ts).
 */
const updated = new Map<string, Set<string>>();

/** Notes that a statement updates some columns of a table. */
export function notesUpdate(table: string, names: readonly string[]): void {
  updated.set(table, new Set([...(updated.get(table) ?? []), ...names]));
}

/** By table: what the modules that have been imported update. */
export const updatedColumns: ReadonlyMap<string, ReadonlySet<string>> = updated;
