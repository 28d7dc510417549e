import type { Connection, Database, Statement } from '../../src/db/database.ts';
import { planOf, type Node, type Plan } from './plans.ts';

/**
 * A database that explains each statement as it is run: `explain (analyze, buffers)` in its place where it changes rows
 * and answers none, before it where it answers rows. What it touched is pushed to `plans`.
 */
export function measured(database: Database, plans: Plan[]): Database {
  const over = (connection: Connection): Connection => ({
    async run<Row>(statement: Statement<Row>, params: readonly unknown[] = []): Promise<Row[]> {
      const { name, text } = statement;
      const explained = connection.run<{ 'QUERY PLAN': [{ Plan: Node }] }>(
        { name: `explain_${name}`, text: `explain (analyze, buffers, format json) ${text}` },
        params,
      );
      // Sent at once, in this order: statements of one round trip stay in one.
      const rows = /^\s*(insert|update)/.test(text) ? Promise.resolve([]) : connection.run(statement, params);
      plans.push(planOf(name, (await explained)[0]!['QUERY PLAN'][0].Plan));
      return rows;
    },
  });
  return {
    ...over(database),
    transaction: (work) => database.transaction((connection) => work({ ...connection, ...over(connection) })),
    snapshot: (work) => database.snapshot((connection) => work({ ...connection, ...over(connection) })),
    until: (signal) => measured(database.until(signal), plans),
    close: () => database.close(),
  };
}
