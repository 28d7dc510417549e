import { SHARDS } from './tables/book-key.ts';
import {
  ConfigError,
  type AccessToken,
  createReader,
  isLoopback,
  type Environment,
  type Reader,
  type TlsFiles,
} from './environment.ts';
import { type LogLevel, logLevels } from './log.ts';
import type { MetricsAddress } from './telemetry/metrics-server.ts';
import { SAMPLERS, type Sampling } from './telemetry/tracing.ts';

/** Everything an operator can set. Read once, at start. */
export type Config = {
  /**
   * Where the books live: the Postgres of `DATABASE_URL`, or without it one that this process starts for
   * itself, with its files in `dataDir` (`CREDIT_LEDGER_DATA_DIR`, default `./.data`).
   */
  database: { kind: 'external'; url: string } | { kind: 'embedded'; dataDir: string };
  /**
   * `CREDIT_LEDGER_MIGRATE_URL`: the same database as its owner, who migrates and grants the role of `DATABASE_URL` what the
   * service needs. Default: none; then that role migrates where it owns the database, and else somebody else has to.
   */
  migrateUrl?: string;
  /** `CREDIT_LEDGER_REPLICA_URL`: a read replica of it, which then answers questions. Default: none. */
  replicaUrl?: string;
  /**
   * `CREDIT_LEDGER_DATABASE_WAIT_MS`: how long a start waits for a database that is not there yet, default 60000. The
   * embedded one is started, not waited for.
   */
  databaseWaitMs: number;
  /** `CREDIT_LEDGER_HOST`: address to listen on. The default, 127.0.0.1, is reachable from this machine only. */
  host: string;
  /** `CREDIT_LEDGER_PORT`: TCP port, default 8484; 0 takes a free one. */
  port: number;
  /**
   * Where metrics are served: at `CREDIT_LEDGER_METRICS_HOST`, this machine's own 127.0.0.1 unless set, on
   * `CREDIT_LEDGER_METRICS_PORT`; 0 takes a free port, `off` serves none (null). The default, 9464, is only taken where it
   * is free: `isWanted` says that it was set, and that the service is not to start without.
   */
  metrics: MetricsAddress | null;
  /**
   * Traces go to `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`); null where neither is set, or
   * `OTEL_SDK_DISABLED` is true. Which: as `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say; by default the
   * caller's word counts, and of calls whose caller says nothing a tenth is traced.
   */
  traces: Sampling | null;
  /**
   * `CREDIT_LEDGER_TLS_CERT` and `CREDIT_LEDGER_TLS_KEY`: files in PEM, looked at every second. With them the port takes TLS
   * and nothing else. `CREDIT_LEDGER_TLS_CLIENT_CA`: whose certificates clients may show; they then must, or may, as
   * `CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES` has it, required or optional. Default: no TLS.
   */
  tlsFiles?: TlsFiles;
  /**
   * `CREDIT_LEDGER_PLAINTEXT`: other machines may call without TLS, because something in between encrypts, such as the proxy
   * of a mesh; default false.
   */
  plaintext: boolean;
  /**
   * `CREDIT_LEDGER_CORS_ORIGINS`: whose pages may call from a browser, such as `https://app.example.com`, separated by
   * commas. Default: nobody's.
   */
  corsOrigins: readonly string[];
  /** `CREDIT_LEDGER_LOG_LEVEL`: least severe level that is written, default info. */
  logLevel: LogLevel;
  /**
   * `CREDIT_LEDGER_POOL_SIZE`: most connections to Postgres that calls use, 3 to 1000, default 10. Writes have those their
   * lanes can use, two thirds at most; questions the rest. Beside them streams use 8, health 1 and the doorbell 1.
   */
  poolSize: number;
  /**
   * `CREDIT_LEDGER_CREDENTIALS`: the file that says who may call, and what in which namespaces; looked at every second.
   * Default: none. Without it and without tokens whoever reaches the port may do everything, which off loopback has to be
   * asked for with `CREDIT_LEDGER_ALLOW_ANONYMOUS=true`.
   */
  credentialsFile?: string;
  /**
   * `CREDIT_LEDGER_TOKENS`: the same for a quick start, in all namespaces: `name:read:token` for the right READ,
   * `name:write:token` for all rights.
   */
  tokens: readonly AccessToken[];
  /**
   * `CREDIT_LEDGER_ALLOW_ANONYMOUS`: whoever reaches the port may call, by whatever name; default false. Else, where no
   * token is asked for, the service is only reachable from this machine and only called by this machine's names.
   */
  allowAnonymous: boolean;
  /** `CREDIT_LEDGER_BATCH_SIZE`: most commands one database transaction carries, 1 to 1000, default 128. */
  batchSize: number;
  /** `CREDIT_LEDGER_CITUS`: whether the database is a Citus cluster, over which `migrate` spreads the tables, default off. */
  citus: boolean;
  /** `CREDIT_LEDGER_LANES`: how many queues writes wait in, 1 to 64, default 1. Each has two batches at a time at most, and one of locked books. */
  lanes: number;
  /** `CREDIT_LEDGER_QUEUE_LIMIT`: most commands waiting per lane, default 8192; past it, OVERLOADED. */
  queueLimit: number;
  /**
   * `CREDIT_LEDGER_MAX_CALLS`: most calls worked on at once, streams aside, 16 to 100000, default 1024; past it, OVERLOADED,
   * before any of the call is read. A connection gets as many as are left, so at most half of them.
   */
  maxCalls: number;
  /**
   * `CREDIT_LEDGER_KEPT_FACTS`: most facts of open books kept in memory, default 200000 (some 200 MB); 0 keeps none. A
   * fact is an open grant, charge or advance, or a sub-account. No answer depends on it.
   */
  keptFacts: number;
  /**
   * `CREDIT_LEDGER_CLOCK_LEEWAY_MS`: how far ahead of now a caller's `booked_at` or `occurred_at` may be, and then means
   * now, because clocks differ; 0 to 60000, default 1000. Further ahead is refused.
   */
  clockLeewayMs: number;
  /**
   * `CREDIT_LEDGER_MAX_OPEN_GRANTS`: most open grants of one customer, those with something remaining and scheduled ones,
   * 1 to 1000000, default 10000; what would leave more open is refused with LIMIT_REACHED.
   */
  maxOpenGrants: number;
  /** `CREDIT_LEDGER_MAX_OPEN_CHARGES`: the same of open charges, default 10000. */
  maxOpenCharges: number;
  /**
   * `CREDIT_LEDGER_DUE_BOOKER`: whether this process books what has fallen due in books that nobody writes to; default on.
   * No figure depends on it.
   */
  dueBooker: boolean;
  /** `CREDIT_LEDGER_DUE_BOOKER_INTERVAL_MS`: how long the due-booker waits between its rounds, default 10000. */
  dueBookerIntervalMs: number;
  /** `CREDIT_LEDGER_MAX_WATCHES`: most streams one process serves at once, default 20000; past it, TOO_MANY_WATCHES. */
  maxWatches: number;
  /**
   * `CREDIT_LEDGER_WATCH_POLL_MS`: how often watched books are looked at, default 1000. What another instance wrote is
   * shown at the latest after this and the time a look takes, whether its doorbell was heard or not.
   */
  watchPollMs: number;
  /**
   * `CREDIT_LEDGER_DOORBELL`: whether instances tell each other what they have written, by NOTIFY on a connection of
   * its own; default on. Off, watches see what others wrote when they poll: behind a pooler that does not carry
   * LISTEN, or where there is one instance alone.
   */
  doorbell: boolean;
  /** `CREDIT_LEDGER_HEARTBEAT_MS`: how long a stream may be quiet before it shows that it is alive, default 15000. */
  heartbeatMs: number;
  /**
   * `CREDIT_LEDGER_DRAIN_MS`: how long the process serves on after SIGTERM, while it says that it is not ready, so that
   * load balancers send their callers elsewhere before the port closes; 0 to 600000, default 3000. SIGINT skips it.
   */
  drainMs: number;
  /** What is worth a word in the log, and no reason not to start. */
  warnings: readonly string[];
};

function databaseOf(read: Reader) {
  const url = read.databaseUrl('DATABASE_URL');
  const dataDir = read.text('CREDIT_LEDGER_DATA_DIR', './.data');
  const replicaUrl = read.databaseUrl('CREDIT_LEDGER_REPLICA_URL');
  const migrateUrl = read.databaseUrl('CREDIT_LEDGER_MIGRATE_URL');
  if (migrateUrl !== undefined && url === undefined) read.problems.push(NO_DATABASE_TO_MIGRATE);
  const database =
    url === undefined ? { kind: 'embedded' as const, dataDir } : { kind: 'external' as const, url };
  return {
    database,
    ...(migrateUrl !== undefined && { migrateUrl }),
    ...(replicaUrl !== undefined && { replicaUrl }),
    databaseWaitMs: read.whole('CREDIT_LEDGER_DATABASE_WAIT_MS', 0, 3_600_000, 60_000),
  };
}

const NO_DATABASE_TO_MIGRATE =
  'CREDIT_LEDGER_MIGRATE_URL names the owner of a database that DATABASE_URL does not name: set that for the service';

/** @throws ConfigError naming every unknown, unreadable or contradictory variable. */
export function readConfig(env: Environment = process.env): Config {
  const read = createReader(env);
  const allowAnonymous = read.oneOf('CREDIT_LEDGER_ALLOW_ANONYMOUS', ['true', 'false'], 'false') === 'true';
  const citus = read.oneOf('CREDIT_LEDGER_CITUS', ['on', 'off'], 'off') === 'on';
  const lanes = read.whole('CREDIT_LEDGER_LANES', 1, SHARDS, 1);
  const tlsFiles = tlsFilesOf(read, env);
  const credentialsFile = read.text('CREDIT_LEDGER_CREDENTIALS', '');
  const config: Config = {
    ...(tlsFiles !== undefined && { tlsFiles }),
    ...databaseOf(read),
    ...(credentialsFile !== '' && { credentialsFile }),
    host: read.text('CREDIT_LEDGER_HOST', '127.0.0.1'),
    port: read.whole('CREDIT_LEDGER_PORT', 0, 65_535, 8484),
    metrics: metricsOf(read),
    traces: tracesOf(read),
    plaintext: read.oneOf('CREDIT_LEDGER_PLAINTEXT', ['true', 'false'], 'false') === 'true',
    corsOrigins: read.origins('CREDIT_LEDGER_CORS_ORIGINS'),
    logLevel: read.oneOf('CREDIT_LEDGER_LOG_LEVEL', logLevels, 'info'),
    poolSize: read.whole('CREDIT_LEDGER_POOL_SIZE', 3, 1000, 10),
    tokens: read.tokens('CREDIT_LEDGER_TOKENS'),
    allowAnonymous,
    batchSize: read.whole('CREDIT_LEDGER_BATCH_SIZE', 1, 1000, 128),
    citus,
    // On Citus a batch stays on one shard, which may be all that its node holds.
    lanes: citus ? SHARDS : lanes,
    queueLimit: read.whole('CREDIT_LEDGER_QUEUE_LIMIT', 1, 1_000_000, 8192),
    maxCalls: read.whole('CREDIT_LEDGER_MAX_CALLS', 16, 100_000, 1024),
    keptFacts: read.whole('CREDIT_LEDGER_KEPT_FACTS', 0, 1_000_000_000, 200_000),
    clockLeewayMs: read.whole('CREDIT_LEDGER_CLOCK_LEEWAY_MS', 0, 60_000, 1_000),
    maxOpenGrants: read.whole('CREDIT_LEDGER_MAX_OPEN_GRANTS', 1, 1_000_000, 10_000),
    maxOpenCharges: read.whole('CREDIT_LEDGER_MAX_OPEN_CHARGES', 1, 1_000_000, 10_000),
    dueBooker: read.oneOf('CREDIT_LEDGER_DUE_BOOKER', ['on', 'off'], 'on') === 'on',
    dueBookerIntervalMs: read.whole('CREDIT_LEDGER_DUE_BOOKER_INTERVAL_MS', 100, 86_400_000, 10_000),
    maxWatches: read.whole('CREDIT_LEDGER_MAX_WATCHES', 0, 1_000_000, 20_000),
    watchPollMs: read.whole('CREDIT_LEDGER_WATCH_POLL_MS', 50, 60_000, 1_000),
    doorbell: read.oneOf('CREDIT_LEDGER_DOORBELL', ['on', 'off'], 'on') === 'on',
    heartbeatMs: read.whole('CREDIT_LEDGER_HEARTBEAT_MS', 100, 3_600_000, 15_000),
    drainMs: read.whole('CREDIT_LEDGER_DRAIN_MS', 0, 600_000, 3_000),
    warnings: read.warnings,
  };
  // Asks the text, not what could be read of it: a misspelt token is a problem of its own.
  const guards = ['CREDIT_LEDGER_CREDENTIALS', 'CREDIT_LEDGER_TOKENS'].filter(
    (name) => (env[name] ?? '') !== '',
  );
  const guarded = guards.length > 0;
  if (!guarded && !allowAnonymous && !isLoopback(config.host)) {
    read.problems.push(
      `CREDIT_LEDGER_HOST is ${config.host}, which other machines can reach, and no credentials are asked ` +
        'for: set CREDIT_LEDGER_CREDENTIALS or CREDIT_LEDGER_TOKENS, or CREDIT_LEDGER_ALLOW_ANONYMOUS=true if that is meant',
    );
  }
  if (guarded && allowAnonymous) {
    read.problems.push(
      `CREDIT_LEDGER_ALLOW_ANONYMOUS=true contradicts ${guards.join(' and ')}: remove one of them`,
    );
  }
  read.problems.push(...plaintextProblems(config, env));
  if (guards.length > 1) read.problems.push(`${guards.join(' contradicts ')}: remove one of them`);
  const problems = [...read.unknownVariables(), ...read.problems];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

const METRICS_PORT = 'CREDIT_LEDGER_METRICS_PORT';
/** As OpenTelemetry's exporter for Prometheus has it. */
const DEFAULT_METRICS_PORT = 9464;

/** Of the calls whose caller says nothing about it, so many are traced. */
const DEFAULT_RATIO = '0.1';

function metricsOf(read: Reader): Config['metrics'] {
  const host = read.text('CREDIT_LEDGER_METRICS_HOST', '127.0.0.1');
  const said = read.text('CREDIT_LEDGER_METRICS_PORT', '');
  if (said === 'off') return null;
  const port = read.whole(METRICS_PORT, 0, 65_535, DEFAULT_METRICS_PORT, ', or off');
  return { host, port, isWanted: said !== '' };
}

function tracesOf(read: Reader): Config['traces'] {
  const everything = read.text('OTEL_EXPORTER_OTLP_ENDPOINT', '');
  const endpoint = read.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', everything);
  read.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'], 'http/protobuf');
  const isDisabled = read.oneOf('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true';
  const sampler = read.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_traceidratio');
  const text = read.text('OTEL_TRACES_SAMPLER_ARG', DEFAULT_RATIO);
  const ratio = /^[01](\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(ratio <= 1))
    read.problems.push(`OTEL_TRACES_SAMPLER_ARG is "${text}": it must be a number from 0 to 1`);
  return endpoint === '' || isDisabled ? null : { sampler, ratio };
}

/** Whether clients have to show a certificate. */
const shown = ['required', 'optional'] as const;

function tlsFilesOf(read: Reader, env: Environment): TlsFiles | undefined {
  const cert = read.text('CREDIT_LEDGER_TLS_CERT', '');
  const key = read.text('CREDIT_LEDGER_TLS_KEY', '');
  const clientCa = read.text('CREDIT_LEDGER_TLS_CLIENT_CA', '');
  const clientCertificates = read.oneOf('CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES', shown, 'required');
  const missing = (name: string, needed: string) =>
    read.problems.push(`${name} is of no effect without ${needed}: set that, too`);
  if ((cert === '') !== (key === ''))
    read.problems.push('CREDIT_LEDGER_TLS_CERT and CREDIT_LEDGER_TLS_KEY go together: set both, or neither');
  if (cert === '' && clientCa !== '') missing('CREDIT_LEDGER_TLS_CLIENT_CA', 'CREDIT_LEDGER_TLS_CERT');
  if (clientCa === '' && (env['CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES'] ?? '') !== '')
    missing('CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES', 'CREDIT_LEDGER_TLS_CLIENT_CA');
  if (cert === '' || key === '') return undefined;
  return { cert, key, ...(clientCa !== '' && { clientCa }), clientCertificates };
}

/** What goes over a network is encrypted, unless it is said that it is not. */
function plaintextProblems({ host, plaintext }: Config, env: Environment): readonly string[] {
  // Whoever has set one of the two files has meant TLS, and is told about the other.
  const meansTls = ['CREDIT_LEDGER_TLS_CERT', 'CREDIT_LEDGER_TLS_KEY'].some(
    (name) => (env[name] ?? '') !== '',
  );
  if (meansTls)
    return plaintext
      ? ['CREDIT_LEDGER_PLAINTEXT=true contradicts CREDIT_LEDGER_TLS_CERT: remove one of them']
      : [];
  if (plaintext || isLoopback(host)) return [];
  return [
    `CREDIT_LEDGER_HOST is ${host}, which other machines can reach, and what they send is not encrypted: ` +
      'set CREDIT_LEDGER_TLS_CERT and CREDIT_LEDGER_TLS_KEY, or CREDIT_LEDGER_PLAINTEXT=true if something in between encrypts',
  ];
}
