import knex, { type Knex } from 'knex';
import type pg from 'pg';
import { cancel } from './cancel.ts';
import type { Clock } from './clock.ts';
import { noConnection } from './failure.ts';
import { createPipeline, type Pipeline, type RoundTripObserver } from './pipeline.ts';
import { createSilenceWatch, cutOff, type Listening } from './silence.ts';
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
  /** A connection that owes an answer for longer than this is given up. */
  readonly silenceMs: number;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly observer: RoundTripObserver | undefined;
};

/** A connection as it is handed out: nobody else uses it meanwhile. */
export type PoolConnection = {
  readonly pipeline: Pipeline;
  /**
   * Calls off what it is asked: what has not been sent is not, what has been is canceled in Postgres. Resolves when
   * nothing of it is left, and no later statement can be hit; a connection that does not answer soon is destroyed.
   */
  callOff(reason: unknown): Promise<void>;
  /** It is of no more use. */
  lost(): void;
};

export type Pool = {
  /** Hands out a connection until `work` ends. Whoever waits for one leaves the line as soon as the signal aborts. */
  use<T>(work: (lent: PoolConnection) => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
  counts(): PoolCounts;
  close(): Promise<void>;
};

export type PoolCounts = {
  /** Connections that are lent, and those that are open and are not. */
  readonly used: number;
  readonly idle: number;
  /** How many wait for one. */
  readonly waiting: number;
  /** The most connections there may be. */
  readonly size: number;
};

/** Knex' pool itself, whose line one may leave. */
type Line = {
  acquire(): { readonly promise: Promise<pg.ClientBase>; abort(): void };
  release(client: pg.ClientBase): boolean;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
  on(event: 'destroyRequest', listener: (id: number, client: pg.ClientBase) => void): void;
};

/** A connection that cannot be made in time says why before whoever waits for it gives up. */
const MARGIN_MS = 250;

const IDLE_MS = 10_000;

/** Between two tries at a database that is not there; each tells one of those who wait. */
const RETRY_MS = 10;

export function openPool(options: PoolOptions): Pool {
  const { size, onIdleError, silenceMs, clock, observer } = options;
  const silence = createSilenceWatch(clock, silenceMs);
  const inUse = new WeakSet<pg.ClientBase>();
  const useless = new WeakSet<pg.ClientBase>();
  const handles = new WeakMap<pg.ClientBase, PoolConnection & Listening>();
  const db = knexPool(options, {
    validate: (client) => !useless.has(client),
    created(client) {
      handles.set(client, handleOf(client));
      client.on('error', (error) => {
        // The server's goodbye, and then a socket that breaks, are one loss.
        const isNews = !useless.has(client);
        useless.add(client);
        if (isNews && !inUse.has(client)) onIdleError?.(error);
      });
    },
  });

  const poolOf = () => (db.client as { pool?: Line }).pool;
  // A goodbye wants an answer, too.
  poolOf()!.on('destroyRequest', (_, client) => handles.get(client)?.asked());

  function handleOf(client: pg.ClientBase): PoolConnection & Listening {
    const listening = silence.listenTo({
      isIdle: () => !inUse.has(client),
      giveUp(error) {
        useless.add(client);
        cutOff(client, error);
      },
    });
    client.once('end', listening.over);
    const pipeline = createPipeline(client, listening, observer);
    return {
      ...listening,
      pipeline,
      async callOff(reason) {
        const answered = pipeline.withdraw(reason);
        if (answered !== null && !(await cancel(client, answered, clock))) listening.isSilent();
      },
      lost: () => void useless.add(client),
    };
  }

  return {
    async use(work, signal) {
      const pool = poolOf();
      if (pool === undefined) throw new Error('Unable to acquire a connection: the pool is closed');
      const client = await placeIn(pool, signal).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw noConnection(size, error);
      });
      inUse.add(client);
      try {
        return await work(handles.get(client)!);
      } finally {
        inUse.delete(client);
        pool.release(client);
      }
    },
    counts: () => countsOf(poolOf(), size),
    close: () => db.destroy(),
  };
}

const countsOf = (pool: Line | undefined, size: number): PoolCounts => ({
  used: pool?.numUsed() ?? 0,
  idle: pool?.numFree() ?? 0,
  waiting: pool?.numPendingAcquires() ?? 0,
  size,
});

function knexPool(
  { connection, size, connectTimeoutMs }: PoolOptions,
  { validate, created }: { validate(client: pg.ClientBase): boolean; created(client: pg.ClientBase): void },
): Knex {
  return knex({
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
      validate,
      afterCreate: (client: pg.ClientBase, done: () => void) => {
        created(client);
        done();
      },
    },
    log: silent,
  });
}

/** Waits in line for a connection, and leaves when the signal aborts. */
async function placeIn(pool: Line, signal: AbortSignal | undefined): Promise<pg.ClientBase> {
  signal?.throwIfAborted();
  const place = pool.acquire();
  const leave = () => place.abort();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    return await place.promise;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
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
