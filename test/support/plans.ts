import pg from 'pg';
import type { Connection, Statement } from '../../src/db/database.ts';
import type { Sql } from './sql.ts';

/** What Postgres did for one statement, as `explain (analyze, buffers)` tells it. */
export type Plan = {
  readonly statement: string;
  /** Pages of tables and indexes it touched, in memory or not. */
  readonly pages: number;
  /** Each relation it read, with how: `scheduled_grants: Index Scan scheduled_grants_span`. */
  readonly scans: readonly string[];
  /** The conditions its index scans were narrowed by. */
  readonly indexConditions: readonly string[];
};

/** How the statement is planned: for these parameters, or once for all, as Postgres may do after five runs. */
export type Planning = 'custom' | 'generic';

/**
 * A connection that runs what it is given under `explain` and answers no rows. Postgres plans a prepared statement
 * either for its parameters or for any, so both have to be good.
 */
export function explaining(sql: Sql, planning: Planning): Connection & { readonly plans: readonly Plan[] } {
  const plans: Plan[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  return {
    plans,
    // One after the other, however they are sent: what is explained has one name.
    run<Row>(statement: Statement<Row>, params: readonly unknown[] = []): Promise<Row[]> {
      const explained = turn.then(() => explain(statement, params));
      turn = explained.catch(() => undefined);
      return explained;
    },
  };

  async function explain({ name, text }: Statement<unknown>, params: readonly unknown[]): Promise<never[]> {
    await sql.rows(`set plan_cache_mode = force_${planning}_plan`);
    await sql.rows(`prepare explained as ${text}`);
    try {
      const [row] = await sql.rows<{ 'QUERY PLAN': [{ Plan: Node }] }>(
        `explain (analyze, buffers, format json) execute explained(${params.map(literal).join(', ')})`,
      );
      plans.push(planOf(name, row!['QUERY PLAN'][0].Plan));
    } finally {
      await sql.rows('deallocate explained');
    }
    return [];
  }
}

export type Node = Readonly<Record<string, any>>;

/** What one plan says, given as `format json` does. */
export function planOf(statement: string, top: Node): Plan {
  const nodes = flat(top);
  return {
    statement,
    pages: top['Shared Hit Blocks'] + top['Shared Read Blocks'],
    scans: nodes.flatMap((node) =>
      node['Relation Name'] === undefined
        ? []
        : [[`${node['Relation Name']}: ${node['Node Type']}`, node['Index Name'] ?? ''].join(' ').trim()],
    ),
    indexConditions: nodes.flatMap((node) => (node['Index Cond'] === undefined ? [] : [node['Index Cond']])),
  };
}

const flat = (node: Node): readonly Node[] => [node, ...((node['Plans'] ?? []) as Node[]).flatMap(flat)];

function literal(value: any): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.join(',')}}`);
  return pg.escapeLiteral(String(value));
}
