import type { Log } from '../log.ts';
import { connect, type ConnectedDatabase, type Database, type DatabaseOptions } from './database.ts';
import type { PoolCounts } from './knex.ts';
import type { RoundTripObserver } from './pipeline.ts';

/** The database as each kind of work asks it, over connections of its own: who fills one pool keeps no other waiting. */
export type Databases = {
  /** Where writes go, and nothing else: no question ever makes a write wait. */
  readonly writes: Database;
  /** Where questions go: the replica, where there is one. */
  readonly reads: Database;
  /** Questions about what would be written now, which a replica cannot answer; without one, the same as `reads`. */
  readonly previews: Database;
  /** Where what is written is followed: behind a thousand calls, streams would take the database for lost. */
  readonly streams: Database;
  /** One connection, with little patience: whether the database can be reached, however many calls there are. */
  readonly health: Database;
  /** How each pool is used. */
  counts(): readonly (PoolCounts & { readonly pool: PoolName })[];
  close(): Promise<void>;
};

/** A pool by what it is for; `replica` answers questions where there is one, and `questions` is left with previews then. */
export type PoolName = 'writes' | 'questions' | 'replica' | 'streams' | 'health';

export type DatabasesOptions = {
  readonly url: string;
  readonly replicaUrl: string | undefined;
  /** How many connections writes and questions have together; each side of a replica has so many. */
  readonly poolSize: number;
  readonly lanes: number;
  /** How many streams use at a time, beside them. */
  readonly streamConnections: number;
  /** In the place of each pool's own. */
  readonly limits: DatabaseLimits | undefined;
  readonly clock: DatabaseOptions['clock'];
  readonly log: Log;
  readonly onStatement: DatabaseOptions['onStatement'];
  /** Who is told of the round trips of a pool. */
  readonly observe: ((pool: PoolName) => RoundTripObserver) | undefined;
};

export type DatabaseLimits = Pick<
  DatabaseOptions,
  'statementTimeoutMs' | 'lockTimeoutMs' | 'connectTimeoutMs' | 'silenceMs'
>;

type Limits = Pick<
  DatabaseOptions,
  'statementTimeoutMs' | 'idleInTransactionMs' | 'lockTimeoutMs' | 'connectTimeoutMs'
>;

/** A write holds its books: one that is slow, waits for somebody, or whose process is frozen, lets go of them soon. */
const WRITING: Limits = { statementTimeoutMs: 5_000, lockTimeoutMs: 1_000, idleInTransactionMs: 5_000 };

/** A verification waits for its reader, with its snapshot open, for up to a minute. */
const READING: Limits = { statementTimeoutMs: 10_000, idleInTransactionMs: 60_000 };

/** Those who follow know by themselves when nothing has answered for long; a crowd of them may hold up the process that connects. */
const FOLLOWING: Limits = { ...READING, connectTimeoutMs: 15_000 };

/** Soon given up: what does not answer at once is asked again. */
const PROBING = { statementTimeoutMs: 1_000, lockTimeoutMs: 1_000, connectTimeoutMs: 1_000 };

export function openDatabases(options: DatabasesOptions): Databases {
  const { url, replicaUrl, poolSize, lanes, streamConnections, limits, clock, log, onStatement } = options;
  const { observe = () => undefined } = options;
  const onIdleError = (err: Error) => log.warn({ err }, 'lost an idle database connection');
  const all = { onIdleError, ...(clock !== undefined && { clock }) };
  const seen = onStatement === undefined ? {} : { onStatement };
  const open = (pool: PoolName, kind: Limits, size: number, at = url) =>
    connect({ url: at, poolSize: size, ...kind, ...limits, ...all, ...seen, observer: observe(pool) });
  const silence = limits?.silenceMs === undefined ? {} : { silenceMs: limits.silenceMs };
  const divided = divide(poolSize, lanes);
  const pools = {
    writes: open('writes', WRITING, divided.writes),
    questions: open('questions', READING, divided.reads),
    streams: open('streams', FOLLOWING, streamConnections),
    health: connect({ url, poolSize: 1, ...PROBING, ...silence, ...all, observer: observe('health') }),
    ...(replicaUrl !== undefined && { replica: open('replica', READING, poolSize, replicaUrl) }),
  };
  const { writes, questions: previews, streams, health } = pools;
  const named = Object.entries(pools) as [PoolName, ConnectedDatabase][];
  return {
    writes,
    previews,
    reads: pools.replica ?? previews,
    streams,
    health,
    counts: () => named.map(([pool, database]) => ({ pool, ...database.counts() })),
    close: async () => {
      await Promise.all(named.map(([, database]) => database.close()));
    },
  };
}

/** A verification keeps one for long, and leaves one to everybody else. */
const FEWEST_READS = 2;

/**
 * How many connections writes and questions get. A lane has two batches at most at a time, and one of books that somebody
 * else has locked, and what falls due is looked up beside them: more would never be used. Questions get what is left, a third at least.
 */
export function divide(poolSize: number, lanes: number): { readonly writes: number; readonly reads: number } {
  const reads = Math.max(FEWEST_READS, Math.ceil(poolSize / 3), poolSize - (3 * lanes + 1));
  return { writes: poolSize - reads, reads };
}
