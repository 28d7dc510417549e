import { createClock, type Clock } from './clock.ts';
import { classify } from './failure.ts';
import { openPool, type PoolConnection, type PoolCounts, type Pool } from './knex.ts';
import type { Answer, RoundTripObserver } from './pipeline.ts';
import { KEEP_ALIVE, SERVER_KEEP_ALIVE } from './silence.ts';
import { statement, type Connection, type Statement } from './statement.ts';
import { UnreadableError, type UnreadableRow } from './unreadable.ts';

export { declaredStatements, statement, type Connection, type Statement } from './statement.ts';

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
  /**
   * The same database for a caller who waits until the signal aborts, and then gets the signal's reason. A question is not
   * begun after that, leaves the line for a connection, or is canceled in Postgres; it fails when nothing of it is left. A
   * transaction leaves the line, too, but once begun it goes on to its end: nobody is left in doubt about a write.
   */
  until(signal: AbortSignal): Database;
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
  /**
   * How much longer than a statement may take an answer may stay away, default 2 s: then the connection is given up, and
   * what it was asked fails as where the database is out of reach.
   */
  readonly silenceMs?: number;
  /** Whoever has waited for a connection for this long gets none. */
  readonly connectTimeoutMs?: number;
  /** What limits are counted by; the default is the process's own. */
  readonly clock?: Pick<Clock, 'after' | 'monotonic'>;
  /** Told of connections lost while idle; the pool replaces them. */
  readonly onIdleError?: (error: Error) => void;
  /** Sees every statement that is run: tests hold them against the rules every statement keeps. */
  readonly onStatement?: (statement: Statement<unknown>) => void;
  /** Told of every round trip. */
  readonly observer?: RoundTripObserver | undefined;
};

/** A database with its connections. */
export type ConnectedDatabase = Database & { counts(): PoolCounts };

export function connect(options: DatabaseOptions): ConnectedDatabase {
  const { statementTimeoutMs = 30_000, silenceMs = 2_000 } = options;
  const pool = openPool({
    connection: {
      connectionString: options.url,
      // Every statement has its index. A table that was small when a plan was made must not be read whole later. And each is
      // planned once: to plan a batch's statement takes longer than to run it, and a plan for these very values is no better.
      options:
        '-c timezone=UTC -c application_name=credit-ledger -c enable_seqscan=off ' +
        `-c plan_cache_mode=force_generic_plan ${SERVER_KEEP_ALIVE}`,
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? 2_000,
      // Longer than a verification waits for its reader.
      idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 60_000,
      ...KEEP_ALIVE,
    },
    size: options.poolSize,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    onIdleError: options.onIdleError,
    silenceMs: statementTimeoutMs + silenceMs,
    clock: options.clock ?? createClock(),
    observer: options.observer,
  });

  return { ...databaseOver(pool, options, undefined), counts: pool.counts };
}

function databaseOver(pool: Pool, options: DatabaseOptions, signal: AbortSignal | undefined): Database {
  const within = <T>(
    begin: Statement<never>,
    work: (connection: Transaction & Snapshot) => Promise<T>,
    canceledBy: AbortSignal | undefined,
  ): Promise<T> =>
    pool.use(async (lent) => {
      try {
        const connection = runningOn(lent, options, canceledBy);
        return await unlessAborted(lent, canceledBy, () => committed(lent, connection, begin, work));
      } catch (error) {
        await lent.pipeline.send(ROLLBACK, []).catch(lent.lost);
        throw error;
      }
    }, signal);

  return {
    run: (sent, params) =>
      pool.use(async (lent) => {
        try {
          const { run } = runningOn(lent, options, signal);
          return await unlessAborted(lent, signal, () => run(sent, params));
        } catch (error) {
          // It failed with its connection, whose end may not be heard yet.
          if (classify(error) === 'unavailable') lent.lost();
          throw error;
        }
      }, signal),
    transaction: (work) => within(BEGIN, work, undefined),
    snapshot: (work) => within(BEGIN_SNAPSHOT, work, signal),
    until: (other) =>
      databaseOver(pool, options, signal === undefined ? other : AbortSignal.any([signal, other])),
    close: () => pool.close(),
  };
}

/** Works on the connection; once the signal aborts, what it is asked is called off. Nothing of it is left at the end. */
function unlessAborted<T>(
  lent: PoolConnection,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return signal === undefined ? work() : untilAborted(lent, signal, work);
}

async function untilAborted<T>(
  lent: PoolConnection,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let called: Promise<void> | undefined;
  const callOff = () => {
    called = lent.callOff(signal.reason);
  };
  signal.addEventListener('abort', callOff, { once: true });
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', callOff);
    await called;
  }
}

/**
 * Begins, works and commits, in as few round trips as `work` leaves; an error is the caller's to roll back. Knex' own
 * transactions wait for what begins and ends them, and make a builder for each: twice the work of a short one.
 */
async function committed<T>(
  { pipeline }: PoolConnection,
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
  const commit = pipeline.send(COMMIT, []);
  await awaitAll([...last, commit]);
  const { command } = await commit;
  // Postgres answers a commit of a failed transaction with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new Error('invariant: the transaction had failed before its commit');
  return result;
}

function runningOn(
  { pipeline }: PoolConnection,
  { onStatement }: DatabaseOptions,
  signal: AbortSignal | undefined,
): Snapshot {
  const answered = (sent: Statement<unknown>, params: readonly unknown[]): Promise<Answer> => {
    signal?.throwIfAborted();
    onStatement?.(sent);
    return pipeline.send(sent, params);
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
