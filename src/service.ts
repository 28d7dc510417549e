import { readFileSync } from 'node:fs';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { Bounds } from './credit/bounds.ts';
import { createBooks } from './write/books.ts';
import type { Committed } from './live/committed-writes.ts';
import { createBalances } from './query/balances.ts';
import { createDueBooker, type DueBooker, type DueBookerOptions } from './write/due-booker.ts';
import { createBookCache, type CountedBookCache } from './book/book-cache.ts';
import { createCurrencies } from './tables/currencies.ts';
import { createClock, pause, processTime, type Clock } from './db/clock.ts';
import type { DatabaseOptions } from './db/database.ts';
import { divide, openDatabases, type DatabaseLimits, type Databases } from './db/pools.ts';
import { carelessSettings } from './db/durability.ts';
import { uuidMaker } from './id.ts';
import type { Log } from './log.ts';
import type { Telemetry } from './telemetry/start.ts';
import { creditService } from './rpc/credit/credit-service.ts';
import type { ServiceDeps } from './rpc/handler.ts';
import { createHealth } from './rpc/health.ts';
import { probePages } from './rpc/probe-pages.ts';
import { ledgerService } from './rpc/ledger/ledger-service.ts';
import { mount, type MountedService } from './rpc/call/mounted-service.ts';
import { createReflection } from './rpc/reflection.ts';
import { startServer, type RunningServer, type ServerOptions } from './rpc/transport/server.ts';
import { createValidation, inputsOf } from './rpc/call/validation.ts';
import { createFeeds, FEED_CONNECTIONS, type FeedsOptions } from './feed/feeds.ts';
import { createDoorbell } from './watch/doorbell.ts';
import { createHub, type HubOptions } from './watch/hub.ts';
import { createDatabaseProbe } from './live/database-probe.ts';
import { createReadiness, type Readiness } from './live/readiness.ts';
import { WATCH_CONNECTIONS } from './watch/updater.ts';
import { createStreamSlots } from './live/stream-slots.ts';
import { createSignals, type Changed } from './live/signals.ts';

export type ServiceOptions = Pick<
  ServerOptions,
  'host' | 'port' | 'certificates' | 'corsOrigins' | 'credentials' | 'allowAnonymous' | 'maxCalls' | 'graceMs'
> & {
  readonly databaseUrl: string;
  /** A read replica that answers questions; a caller that must see its own write asks with min_version. */
  readonly replicaUrl?: string;
  readonly poolSize: number;
  readonly lanes: number;
  readonly batchSize: number;
  readonly queueLimit: number;
  /** The most facts of open books kept in memory; 0 keeps none, and changes no answer. */
  readonly keptFacts: number;
  /** How far ahead of now what has happened may be told; it happened now then. */
  readonly clockLeewayMs: number;
  /** The most open grants and charges one customer may have. */
  readonly maxOpenGrants: number;
  readonly maxOpenCharges: number;
  readonly dueBooker: boolean;
  readonly dueBookerIntervalMs: number;
  readonly maxWatches: number;
  readonly watchPollMs: number;
  readonly heartbeatMs: number;
  readonly doorbell: boolean;
  readonly log: Log;
  /** Who is told what happens here; undefined: nobody. */
  readonly telemetry?: Telemetry | undefined;
  /** Tests move time by hand; the default is the database's. */
  readonly clock?: Clock;
  /** How long a stream goes on that hears nothing of the database; tests are more patient. */
  readonly staleAfterMs?: number;
  /** Nor with one that takes its time. */
  readonly limits?: DatabaseLimits;
  readonly onStatement?: DatabaseOptions['onStatement'];
  /** Tests look into what is kept. */
  readonly kept?: CountedBookCache;
  /** How `WatchTransactions` waits; the defaults are those of feeds.ts. */
  readonly feeds?: Pick<FeedsOptions, 'pollMs' | 'bookmarkMs' | 'limit'>;
};

export type RunningService = Pick<RunningServer, 'url' | 'port'> & {
  /** How many streams are open, and how many books they watch. */
  watched(): { readonly streams: number; readonly books: number };
  /** Serves on, but tells everybody to go elsewhere: whoever asks whether it is ready, and callers as they are answered. */
  drain(): void;
  /** The same, then ends streams, finishes what is under way (bounded), and lets go of the database. */
  stop(): Promise<void>;
};

/** A stream that hears nothing of the database for longer than this ends, rather than show what may be old. */
const STALE_AFTER_MS = 5_000;

const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);

/** Builds the service over a migrated database and serves it: the composition that `main` and the tests share. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { poolSize, lanes, batchSize, queueLimit, log, telemetry, clock = createClock() } = options;
  const databases = await databasesOf(options);
  const { writes: database, reads, previews } = databases;
  const uuids = uuidMaker(processTime);
  const kept = options.kept ?? createBookCache(options.keptFacts);
  const commit = { database, clock, uuids, kept, leewayMs: options.clockLeewayMs, bounds: boundsOf(options) };
  const slots = watchSlots(options.maxWatches);
  const follow = { clock, kept, slots, staleAfterMs: options.staleAfterMs ?? STALE_AFTER_MS };
  const { hub, feeds, doorbell, onCommitted } = followers(options, databases, follow);
  const observer = telemetry?.batches;
  const books = createBooks({ ...commit, lanes, batchSize, queueLimit, onCommitted, observer });
  const dueBooker = dueBookerOf(options, { database, clock, books });
  const validate = createValidation(inputsOf([CreditService, LedgerService]));
  const currencies = createCurrencies({ writes: database, lookups: previews }, clock);
  const balances = createBalances({ database: reads, clock, kept });
  // However small the pool is, verification leaves half of it to everybody else.
  const verifications = verificationSlots(Math.min(2, Math.floor(divide(poolSize, lanes).reads / 2)));
  const streams = { verifications, hub, feeds };
  const deps: ServiceDeps = {
    database: reads,
    clock,
    uuids,
    commit: { ...commit, database: previews },
    books,
    balances,
    currencies,
    validate,
    ...streams,
  };

  const readiness = createReadiness();
  const answered = { services: offered(deps, readiness), pages: probePages(readiness) };
  const served = { ...answered, validate, writesInTime: books.isInTime, observer: telemetry?.calls };
  const server = await startServer({ ...options, ...served, clock, log });
  const watched = { ...streams, watches: slots, server, books, databases, kept, dueBooker, readiness };
  telemetry?.watch({ ...watched, services: answered.services });
  const probe = createDatabaseProbe({ database: databases.health, clock, log }, readiness);
  const drain = () => {
    readiness.set('SHUTTING_DOWN');
    server.drain();
  };
  return {
    url: server.url,
    port: server.port,
    watched: () => ({ streams: slots.taken(), books: hub.books() }),
    drain,
    async stop() {
      drain();
      // Whoever watches the health is told before streams end.
      await pause(0);
      await server.close();
      probe.close();
      await hub.close();
      await dueBooker?.close();
      await feeds.close();
      await books.close();
      await doorbell?.close();
      await databases.close();
    },
  };
}

/** What books what falls due, where that is wanted. */
const dueBookerOf = (
  { dueBooker, dueBookerIntervalMs: everyMs, log }: ServiceOptions,
  deps: Pick<DueBookerOptions, 'database' | 'clock' | 'books'>,
): DueBooker | null => (dueBooker ? createDueBooker({ ...deps, log, everyMs }) : null);

/** What the port answers: both services, health and reflection. */
function offered(deps: ServiceDeps, readiness: Readiness): readonly MountedService[] {
  const names = [CreditService.typeName, LedgerService.typeName];
  return [
    mount(CreditService, creditService(deps)),
    mount(LedgerService, ledgerService(deps)),
    createHealth(names, readiness),
    ...createReflection(readFileSync(DESCRIPTORS), [...names, 'grpc.health.v1.Health']),
  ];
}

const boundsOf = ({ maxOpenGrants: grants, maxOpenCharges: charges }: ServiceOptions): Bounds => ({
  grants,
  charges,
});

const watchSlots = (limit: number) =>
  createStreamSlots(limit, `this instance serves ${limit} watches at once, and all are taken`);

const verificationSlots = (limit: number) =>
  createStreamSlots(limit, `this instance verifies ${limit} at once at most`);

/** With the settings by which a crash of Postgres may take back what was committed, as they were at the start. */
type CheckedDatabases = Databases & { readonly careless: readonly string[] };

/** The pools, and a word of warning about commits that may not last. */
async function databasesOf(options: ServiceOptions): Promise<CheckedDatabases> {
  const databases = openDatabases({
    ...options,
    url: options.databaseUrl,
    replicaUrl: options.replicaUrl,
    limits: options.limits,
    clock: options.clock,
    onStatement: options.onStatement,
    observe: options.telemetry?.roundTrips,
    streamConnections: FEED_CONNECTIONS + WATCH_CONNECTIONS,
  });
  const careless = await carelessSettings(databases.writes);
  if (careless.length > 0) {
    options.log.warn(
      { off: careless },
      'a crash of Postgres may take back writes that were answered and told to watchers: set these to on, and read docs/on-call.md if it has crashed',
    );
  }
  return { ...databases, careless };
}

/** Who follows what is written: watches, feeds, and other instances. */
function followers(
  options: ServiceOptions,
  { streams: database }: Databases,
  deps: Pick<HubOptions, 'clock' | 'kept' | 'slots' | 'staleAfterMs'>,
) {
  const { databaseUrl: url, log, watchPollMs: pollMs, heartbeatMs } = options;
  const hub = createHub({ ...deps, database, log, pollMs, heartbeatMs });
  const signals = createSignals();
  const { clock, staleAfterMs } = deps;
  const feeds = createFeeds({
    database,
    clock,
    signals,
    staleAfterMs,
    ...options.feeds,
    onFailure: (err) => log.warn({ err }, 'the journal could not be looked at; the next look follows'),
  });
  const onRing = (changed: readonly Changed[]) => {
    hub.changed(changed);
    signals.emit(changed);
  };
  const silenceMs = options.limits?.silenceMs;
  const silence = silenceMs === undefined ? {} : { silenceMs };
  const doorbell = options.doorbell
    ? createDoorbell({ url, clock, ...silence, log, onRing, onUnclear: hub.look })
    : null;
  const onCommitted = (committed: readonly Committed[]) => {
    try {
      hub.committed(committed);
      signals.emit(committed);
      doorbell?.ring(committed);
    } catch (err) {
      log.error({ err }, 'those who follow books could not be told of a write; they look for themselves');
    }
  };
  return { hub, feeds, doorbell, onCommitted };
}
