import { RefusalError } from '../refusal.ts';

/**
 * What a database error means for the caller, classified here once:
 * `conflict` – somebody was faster, or holds a lock for longer than is waited: it did not happen and may be tried again;
 * `slow` – it ran into its time limit: it did not happen, and may well run into it again;
 * `busy` – every connection there may be is in use, and none came free: it did not begin;
 * `unavailable` – no connection, or lost: whether the transaction happened is unknown, its key settles it;
 * `fault` – the database refused what was asked of it: a bug of ours, or data it cannot hold.
 */
export type Failure = 'conflict' | 'slow' | 'busy' | 'unavailable' | 'fault';

// A row that is there already is none of them: rows of a book are written under its lock, so nobody was faster.
const CONFLICTS = new Set(['40001', '40P01', '55P03']);
// A statement's time limit, and a transaction's. An operator who cancels a statement found it slow, too.
const SLOW = new Set(['57014', '25P04']);
// Classes: connection exceptions, insufficient resources, operator intervention; a commit nobody heard of; sessions ended
// because they idled in a transaction; read-only during a failover.
const UNAVAILABLE = ['08', '53', '57', '40003', '25P03', '25006'];
const LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

export function classify(error: unknown): Failure {
  if (!(error instanceof Error)) return 'fault';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CONFLICTS.has(code)) return 'conflict';
  if (SLOW.has(code)) return 'slow';
  if (error instanceof NoConnectionError) return 'busy';
  if (LOST.has(code) || UNAVAILABLE.some((prefix) => code.startsWith(prefix))) return 'unavailable';
  // pg reports a lost or unobtainable connection as a plain Error without a code.
  const lost =
    /^(Connection terminated|Client (has encountered|was closed)|timeout expired|Unable to acquire a connection)/;
  return code === '' && lost.test(error.message) ? 'unavailable' : 'fault';
}

/** No connection could be had of those there are, which is no matter of reaching the database. */
class NoConnectionError extends Error {
  readonly poolSize: number;
  constructor(poolSize: number, cause: unknown) {
    super('no connection to the database came free in time', { cause });
    this.name = 'NoConnectionError';
    this.poolSize = poolSize;
  }
}

// What Knex' pool says where all of it were in use; else it says why the last connection could not be made.
const POOL_IS_FULL = 'operation timed out for an unknown reason';

/** Why a pool of this size gave no connection; any other error as it is. */
export function noConnection(poolSize: number, error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor.name !== 'TimeoutError') return error;
  const { message } = error;
  if (message === POOL_IS_FULL) return new NoConnectionError(poolSize, error);
  return Object.assign(new Error(message, { cause: error }), { code: CANNOT_CONNECT });
}

const CANNOT_CONNECT = '08001';

const NOTHING_WRITTEN = 'nothing was written';

/**
 * The refusal that an error of the database is to whoever asked; undefined for a fault, which is none. `unreachable`
 * says what it means to them where the database cannot be reached: whether a write has happened is unknown then.
 */
export function refusalOf(error: unknown, unreachable: string): RefusalError | undefined {
  const refusal = (() => {
    switch (classify(error)) {
      case 'conflict': {
        const message = `somebody else was faster, or holds what the request needs; ${NOTHING_WRITTEN}`;
        return new RefusalError({ reason: 'CONFLICT', message, metadata: {} });
      }
      case 'slow': {
        const message = `the database took longer over the request than it may; ${NOTHING_WRITTEN}`;
        return new RefusalError({ reason: 'TOO_SLOW', message, metadata: {} });
      }
      case 'busy': {
        const { poolSize, message } = error as NoConnectionError;
        const metadata = { limit: String(poolSize) };
        return new RefusalError({
          reason: 'OVERLOADED',
          message: `${message}; ${NOTHING_WRITTEN}`,
          metadata,
        });
      }
      case 'unavailable': {
        const message = `the database cannot be reached; ${unreachable}`;
        return new RefusalError({ reason: 'DATABASE_UNAVAILABLE', message, metadata: {} });
      }
      case 'fault':
        return undefined;
    }
  })();
  if (refusal !== undefined) refusal.cause = error;
  return refusal;
}
