/** Constant SQL under a name of its own, so that every connection prepares it once. */
export type Statement<Row> = { readonly name: string; readonly text: string; readonly row?: Row };

/**
 * Declares a statement; `Row` is what its rows look like after the type parsers. A connection prepares a
 * name once, so a name with two texts would run the wrong one.
 */
export function statement<Row>(name: string, text: string): Statement<Row> {
  if ((declared.get(name) ?? text) !== text) throw new Error(`invariant: two statements are called ${name}`);
  declared.set(name, text);
  return { name, text };
}

const declared = new Map<string, string>();

/** Every statement there is, by name: those of the modules that have been imported. */
export const declaredStatements: ReadonlyMap<string, string> = declared;

/**
 * One connection: statements sent without awaiting the earlier ones share a round trip. One of which a row cannot be
 * read fails with an {@link UnreadableError}.
 */
export type Connection = {
  run<Row>(statement: Statement<Row>, params?: readonly unknown[]): Promise<Row[]>;
};
