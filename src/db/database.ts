import type pg from 'pg';
import { openPool } from './knex.ts';
import { pipelineOf, type Answer, type Statement } from './pipeline.ts';
import { UnreadableError, type UnreadableRow } from './unreadable.ts';

export type { Statement } from './pipeline.ts';

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

/** A connection within a transaction. */
export type Transaction = Connection & {
  /**
   * Statements that only the commit waits for: it travels in their round trip. They must have been sent when `work`
   * ends; one that fails fails the transaction.
   */
  beforeCommit(sent: readonly Promise<unknown>[]): void;
};

/** A connection that only reads, and sees the database as of one moment. */
export type Snapshot = Connection & {
  /** The same connection, whose statements leave out rows that cannot be read, and tell them instead. */
  without(unreadable: (row: UnreadableRow) => void): Connection;
};

export type Database = {
  /** Runs outside any transaction. */
  readonly run: Connection['run'];
  /** Commits what `work` did, or nothing: an error rolls back and is thrown on. */
  transaction<T>(work: (connection: Transaction) => Promise<T>): Promise<T>;
  /** All statements of `work` see the database as of one moment, and may not write. */
  snapshot<T>(work: (connection: Snapshot) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

const BEGIN = statement<never>('begin', 'begin');
const BEGIN_SNAPSHOT = statement<never>('begin_snapshot', 'begin isolation level repeatable read, read only');
const COMMIT = statement<never>('commit', 'commit');
const ROLLBACK = statement<never>('rollback', 'rollback');

export type DatabaseOptions = {
  readonly url: string;
  readonly poolSize: number;
  /** A statement still running after this long is canceled by the server. */
  readonly statementTimeoutMs?: number;
  /** A statement that has waited for somebody's lock for this long is canceled, so that nobody waits for a stranger. */
  readonly lockTimeoutMs?: number;
  /** A transaction whose process has asked nothing for this long is ended by the server, and its locks with it. */
  readonly idleInTransactionMs?: number;
  /** Whoever has waited for a connection for this long gets none. */
  readonly connectTimeoutMs?: number;
  /** Told of connections lost while idle; the pool replaces them. */
  readonly onIdleError?: (error: Error) => void;
  /** Sees every statement that is run: tests hold them against the rules every statement keeps. */
  readonly onStatement?: (statement: Statement<unknown>) => void;
};

export function connect(options: DatabaseOptions): Database {
  const pool = openPool({
    connection: {
      connectionString: options.url,
      // Every statement has its index. A table that was small when a plan was made must not be read whole later. And each is
      // planned once: to plan a batch's statement takes longer than to run it, and a plan for these very values is no better.
      options:
        '-c timezone=UTC -c application_name=credit-ledger -c enable_seqscan=off -c plan_cache_mode=force_generic_plan',
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      lock_timeout: options.lockTimeoutMs ?? 2_000,
      // Longer than a verification waits for its reader.
      idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 60_000,
      keepAlive: true,
    },
    size: options.poolSize,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    onIdleError: options.onIdleError,
  });

  const within = <T>(
    begin: Statement<never>,
    work: (connection: Transaction & Snapshot) => Promise<T>,
  ): Promise<T> =>
    pool.use(async (client, lost) => {
      try {
        return await committed(client, runningOn(client, options), begin, work);
      } catch (error) {
        await pipelineOf(client)(ROLLBACK, []).catch(lost);
        throw error;
      }
    });

  return {
    run: (sent, params) =>
      pool.use(async (client, lost) => {
        try {
          return await runningOn(client, options).run(sent, params);
        } catch (error) {
          // It may have failed with its connection, whose end is not heard yet.
          lost();
          throw error;
        }
      }),
    transaction: (work) => within(BEGIN, work),
    snapshot: (work) => within(BEGIN_SNAPSHOT, work),
    close: () => pool.close(),
  };
}

/**
 * Begins, works and commits, in as few round trips as `work` leaves; an error is the caller's to roll back. Knex' own
 * transactions wait for what begins and ends them, and make a builder for each: twice the work of a short one.
 */
async function committed<T>(
  client: pg.ClientBase,
  connection: Snapshot,
  begin: Statement<never>,
  work: (connection: Transaction & Snapshot) => Promise<T>,
): Promise<T> {
  const last: Promise<unknown>[] = [];
  const beforeCommit = (sent: readonly Promise<unknown>[]) => {
    // Where `work` fails after all, nobody else listens to them.
    for (const one of sent) one.catch(() => undefined);
    last.push(...sent);
  };
  const begun = connection.run(begin);
  // Sent in the same round trip as begin; a failed begin fails what follows it, too.
  const [, result] = await awaitAll([begun, work({ ...connection, beforeCommit })]);
  const commit = pipelineOf(client)(COMMIT, []);
  await awaitAll([...last, commit]);
  const { command } = await commit;
  // Postgres answers a commit of a failed transaction with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new Error('invariant: the transaction had failed before its commit');
  return result;
}

function runningOn(client: pg.ClientBase, { onStatement }: DatabaseOptions): Snapshot {
  const answered = (sent: Statement<unknown>, params: readonly unknown[]): Promise<Answer> => {
    onStatement?.(sent);
    return pipelineOf(client)(sent, params);
  };
  return {
    run: async <Row>(sent: Statement<Row>, params: readonly unknown[] = []) => {
      const { rows, unreadable } = await answered(sent, params);
      if (unreadable !== undefined) throw new UnreadableError(sent.name, unreadable[0]!);
      return rows as Row[];
    },
    without: (tell) => ({
      run: async <Row>(sent: Statement<Row>, params: readonly unknown[] = []) => {
        const { rows, unreadable = [] } = await answered(sent, params);
        for (const row of unreadable) tell(row);
        return rows as Row[];
      },
    }),
  };
}

/**
 * Waits for every one of the promises, then throws the first error in their order. A statement that fails takes those
 * sent behind it along, for its own reason; later ones fail with 25P02, and what came first is the cause.
 */
export async function awaitAll<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }) as never;
}
