import { readFileSync } from 'node:fs';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { CreateGrantRequestSchema } from '#gen/credit/v1/grant_pb.ts';
import { ConsumeCreditsRequestSchema } from '#gen/credit/v1/consumption_pb.ts';
import { createBooks } from './book/books.ts';
import { createCurrencies } from './book/currencies.ts';
import { databaseClock, processTime, type Clock } from './db/clock.ts';
import { connect, type DatabaseOptions } from './db/database.ts';
import { runsAsSuperuser } from './db/privileges.ts';
import { uuidMaker } from './id.ts';
import type { Log } from './log.ts';
import { creditService } from './rpc/credit/credit-service.ts';
import type { ServiceDeps } from './rpc/credit/deps.ts';
import { createHealth } from './rpc/health.ts';
import { ledgerService } from './rpc/ledger/ledger-service.ts';
import { mount } from './rpc/mounted-service.ts';
import { createReflection } from './rpc/reflection.ts';
import { startServer, type RunningServer, type ServerOptions } from './rpc/server.ts';
import { withUnimplemented } from './rpc/unimplemented.ts';
import { createValidation } from './rpc/validation.ts';
import { createFeeds, FEED_CONNECTIONS, type FeedsOptions } from './feed/feeds.ts';
import { createSignals } from './watch/signals.ts';

export type ServiceOptions = Pick<ServerOptions, 'host' | 'port' | 'tokens' | 'graceMs'> & {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly batchSize: number;
  readonly queueLimit: number;
  readonly log: Log;
  /** Tests move time by hand; the default is the database's. */
  readonly clock?: Clock;
  readonly onStatement?: DatabaseOptions['onStatement'];
  /** How `WatchTransactions` waits; the defaults are those of feeds.ts. */
  readonly feeds?: Pick<FeedsOptions, 'alarms' | 'pollMs' | 'bookmarkMs' | 'unreachableMs' | 'limit'>;
};

export type RunningService = Pick<RunningServer, 'url' | 'port'> & {
  /** Ends streams, finishes what is under way (bounded), and lets go of the database. */
  stop(): Promise<void>;
};

const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);

/** Builds the service over a migrated database and serves it: the composition that `main` and the tests share. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { databaseUrl: url, poolSize, batchSize, queueLimit, log, clock = databaseClock } = options;
  const connectWith = (size: number) =>
    connect({
      ...{ url, poolSize: size },
      onIdleError: (err) => log.warn({ err }, 'lost an idle database connection'),
      ...(options.onStatement !== undefined && { onStatement: options.onStatement }),
    });
  const database = connectWith(poolSize);
  if (await runsAsSuperuser(database)) {
    log.warn('the database role is a superuser: nothing keeps the journal append-only, use an ordinary role');
  }
  const uuids = uuidMaker(processTime);
  const books = createBooks({ database, clock, uuids, batchSize, queueLimit });
  const validate = createValidation([CreateGrantRequestSchema, ConsumeCreditsRequestSchema]);
  const currencies = createCurrencies(database, clock);
  const signals = createSignals();
  // Of their own: behind a thousand writes that wait for a connection, feeds would take the database for lost.
  const feedDatabase = connectWith(FEED_CONNECTIONS);
  const feeds = createFeeds({
    ...{ database: feedDatabase, clock, signals, ...options.feeds },
    onFailure: (err) => log.warn({ err }, 'the journal could not be looked at; the next look follows'),
  });
  const deps: ServiceDeps = { database, clock, uuids, books, currencies, feeds, validate };

  const names = [CreditService.typeName, LedgerService.typeName];
  const health = createHealth(names);
  const services = [
    mount(CreditService, withUnimplemented(CreditService, creditService(deps))),
    mount(LedgerService, withUnimplemented(LedgerService, ledgerService(deps))),
    health.mounted,
    ...createReflection(readFileSync(DESCRIPTORS), [...names, 'grpc.health.v1.Health']),
  ];
  const server = await startServer({ ...options, services, log });
  health.setServing(true);
  return {
    url: server.url,
    port: server.port,
    async stop() {
      health.setServing(false);
      await server.close();
      await feeds.close();
      await feedDatabase.close();
      await books.close();
      await database.close();
    },
  };
}
