import knex, { type Knex } from 'knex';
import type pg from 'pg';
import { noConnection } from './failure.ts';
import { types } from './types.ts';

/** Knex owns the connections: it opens them, knows how their values are read, hands them out and closes them. */

export type PoolOptions = {
  /** As the driver takes it. */
  readonly connection: pg.ClientConfig;
  readonly size: number;
  /** Whoever has waited for a connection for this long gets none. */
  readonly connectTimeoutMs: number;
  /** Told of connections lost while idle; the pool replaces them. */
  readonly onIdleError: ((error: Error) => void) | undefined;
};

export type Pool = {
  /** Hands out a connection until `work` ends; `lost` says that it is of no more use. */
  use<T>(work: (client: pg.ClientBase, lost: () => void) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** A connection that cannot be made in time says why before whoever waits for it gives up. */
const MARGIN_MS = 250;

const IDLE_MS = 10_000;

/** Between two tries at a database that is not there; each tells one of those who wait. */
const RETRY_MS = 10;

export function openPool({ connection, size, connectTimeoutMs, onIdleError }: PoolOptions): Pool {
  const inUse = new WeakSet<pg.ClientBase>();
  const useless = new WeakSet<pg.ClientBase>();
  const db = knex({
    client: 'pg',
    // Without one Knex asks its first connections; the oldest that is served (postgres-version.ts) has all that is used.
    version: '15',
    connection: {
      ...connection,
      types,
      connectionTimeoutMillis: connectTimeoutMs,
    } as Knex.PgConnectionConfig,
    pool: {
      min: 0,
      max: size,
      idleTimeoutMillis: IDLE_MS,
      createRetryIntervalMillis: RETRY_MS,
      acquireTimeoutMillis: connectTimeoutMs + MARGIN_MS,
      validate: (client: pg.ClientBase) => !useless.has(client),
      afterCreate: (client: pg.ClientBase, done: () => void) => {
        client.on('error', (error) => {
          useless.add(client);
          if (!inUse.has(client)) onIdleError?.(error);
        });
        done();
      },
    },
    log: silent,
  });
  const connections = db.client as {
    acquireConnection(): Promise<pg.ClientBase>;
    releaseConnection(client: pg.ClientBase): Promise<void>;
  };
  return {
    async use(work) {
      const client = await connections.acquireConnection().catch((error: unknown) => {
        throw noConnection(size, error);
      });
      inUse.add(client);
      try {
        return await work(client, () => useless.add(client));
      } finally {
        inUse.delete(client);
        void connections.releaseConnection(client);
      }
    },
    close: () => db.destroy(),
  };
}

/** Knex prints to the console what it throws anyway. */
const silent = { warn() {}, error() {}, debug() {}, deprecate() {} };

/** Knex as it comes, for what is done once at the start. */
export const openKnex = (
  connection: Knex.PgConnectionConfig,
  size: number,
  migrations?: Knex.MigratorConfig,
): Knex =>
  knex({
    client: 'pg',
    connection,
    pool: { min: 0, max: size },
    log: silent,
    ...(migrations !== undefined && { migrations }),
  });
