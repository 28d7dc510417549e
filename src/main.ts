import { ConfigError, readConfig, type Config } from './config.ts';
import { startEmbeddedPostgres } from './db/embedded/start.ts';
import { migrate } from './db/migrate.ts';
import { createLog } from './log.ts';
import { startService } from './service.ts';

/** The process: reads the configuration, brings up what it needs in order, and takes it down in reverse. */

const config = readOrExit();
const log = createLog(config.logLevel);
for (const warning of config.warnings) log.warn(warning);
const undo: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;

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

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    log.info({ signal }, 'stopping');
    void stop(0);
  });
}
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (err: unknown) => {
    log.fatal({ err }, 'a bug: the process cannot be trusted any more');
    void stop(1);
  });
}

try {
  const databaseUrl = await databaseOf(config);
  const migrations = await migrate({ url: databaseUrl, citus: config.citus });
  if (migrations.length > 0) log.info({ migrations }, 'the schema is up to date');
  if (stopping === undefined) {
    const service = await startService({ ...config, databaseUrl, log });
    undo.push(() => service.stop());
    log.info({ url: service.url, database: config.database.kind }, 'serving gRPC, gRPC-Web and Connect JSON');
  }
} catch (err) {
  log.fatal({ err }, 'the service cannot start');
  await stop(1);
}

async function databaseOf({ database }: Config): Promise<string> {
  if (database.kind === 'external') return database.url;
  const postgres = await startEmbeddedPostgres({ dataDir: database.dataDir });
  undo.push(() => postgres.stop());
  return postgres.url;
}

function readOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}
