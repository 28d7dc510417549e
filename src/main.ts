import { bringUpDatabase, bringUpSchema, configOrExit, onWaiting, type DatabaseAtHand } from './bring-up.ts';
import type { Config } from './config.ts';
import type { Credentials } from './credentials/credential.ts';
import { openCredentialsFile, type CredentialsFile } from './credentials/credentials-file.ts';
import { tokenCredentials } from './credentials/tokens.ts';
import { createClock, monotonic, pause, yieldTurn } from './db/clock.ts';
import { reachDatabase } from './db/reach.ts';
import { createLog, inTurns, standardOutput } from './log.ts';
import { assertFree } from './rpc/transport/address.ts';
import { openCertificates, type FiledCertificates } from './rpc/transport/certificates.ts';
import { startService } from './service.ts';
import { startTelemetry } from './telemetry/start.ts';
import { StartError } from './start-error.ts';

/** The process: reads the configuration, brings up what it needs in order, and takes it down in reverse. */

const config = configOrExit();
const log = createLog(config.logLevel, inTurns(yieldTurn, standardOutput(pause)));
for (const warning of config.warnings) log.warn(warning);
const undo: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;
/** Aborts when callers are not waited for to go elsewhere. */
const hurry = new AbortController();
/** How the embedded Postgres is, where it is used. */
const embedded = { isUp: false, restarts: 0 };

/** Takes down whatever is up, last first; each step is bounded, and one that fails does not keep the others. */
function stop(code: number): Promise<void> {
  stopping ??= (async () => {
    let worst = code;
    for (const step of undo.toReversed()) {
      await step().catch((err: unknown) => {
        log.error({ err }, 'a step of the shutdown failed');
        worst = 1;
      });
    }
    process.exit(worst);
  })();
  return stopping;
}

/** Ctrl-C, and whatever else signals a whole group of processes, is told to npm too, which tells it once more. */
const SAME_WISH_MS = 1_000;
let askedAt = -Infinity;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const again = monotonic() - askedAt >= SAME_WISH_MS;
    // Who is at a terminal waits for the prompt; and who asks once more will not wait.
    if (signal === 'SIGINT' || (stopping !== undefined && again)) hurry.abort();
    if (stopping !== undefined) return;
    askedAt = monotonic();
    log.info({ signal, drainMs: hurry.signal.aborted ? 0 : config.drainMs }, 'stopping');
    void stop(0);
  });
}
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (err: unknown) => {
    log.fatal({ err }, 'a bug: the process cannot be trusted any more');
    hurry.abort();
    void stop(1);
  });
}

try {
  const certificates = await certificatesOf(config);
  const credentials = await credentialsOf(config);
  await assertFree(config);
  const telemetry = await startTelemetry({ ...config, log });
  if (telemetry !== undefined) undo.push(() => telemetry.close());
  if (config.database.kind === 'embedded') telemetry?.watchEmbedded(() => embedded);
  if (certificates !== undefined) telemetry?.watchCertificate(certificates.validUntil);
  if (credentials !== null && 'isBroken' in credentials) telemetry?.watchCredentials(credentials.isBroken);
  const database = await databaseOf(config);
  await bringUpSchema(database, config, log);
  if (stopping === undefined) {
    const service = await startService({
      ...config,
      certificates,
      credentials,
      databaseUrl: database.service.url,
      log,
      telemetry,
    });
    undo.push(() => service.stop());
    undo.push(() => {
      service.drain();
      return pause(config.drainMs, hurry.signal);
    });
    const { url } = service;
    const metrics = telemetry?.metricsUrl;
    log.info({ url, database: config.database.kind, metrics }, 'serving gRPC, gRPC-Web and Connect JSON');
  }
} catch (err) {
  if (err instanceof StartError) log.fatal(`the service cannot start: ${err.message}`);
  else log.fatal({ err }, 'the service cannot start');
  await stop(1);
}

async function certificatesOf({ tlsFiles }: Config): Promise<FiledCertificates | undefined> {
  if (tlsFiles === undefined) return undefined;
  const certificates = await openCertificates(tlsFiles, { clock: createClock(), log });
  undo.push(() => certificates.close());
  return certificates;
}

/** Who may call; null: everybody may do everything. */
async function credentialsOf({
  credentialsFile,
  tokens,
}: Config): Promise<Credentials | CredentialsFile | null> {
  if (credentialsFile === undefined) return tokens.length === 0 ? null : tokenCredentials(tokens);
  const credentials = await openCredentialsFile(credentialsFile, { clock: createClock(), log });
  undo.push(() => credentials.close());
  return credentials;
}

/** The database, there and taking connections; and the replica, if there is one. */
async function databaseOf({ replicaUrl, databaseWaitMs: waitMs }: Config): Promise<DatabaseAtHand> {
  const replica = { url: replicaUrl ?? '', variable: 'CREDIT_LEDGER_REPLICA_URL' };
  if (replicaUrl !== undefined) await reachDatabase(replica, { waitMs, onWaiting: onWaiting(log) });
  const database = await bringUpDatabase(config, log, {
    down(why) {
      embedded.isUp = false;
      log.error({ why }, 'the embedded Postgres is down; it is started again');
    },
    up() {
      embedded.isUp = true;
      embedded.restarts += 1;
      log.info('the embedded Postgres is up again');
    },
    givenUp: (err) => {
      log.fatal({ err }, 'the embedded Postgres cannot be started again; this process ends');
      hurry.abort();
      void stop(1);
    },
  });
  embedded.isUp = true;
  undo.push(() => database.release());
  return database;
}
