import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { problemsOf } from './support/config-problems.ts';

describe('an empty environment', () => {
  test('is a service of this machine only, with a Postgres of its own', () => {
    expect(readConfig({})).toEqual({
      database: { kind: 'embedded', dataDir: './.data' },
      host: '127.0.0.1',
      port: 8484,
      metrics: { host: '127.0.0.1', port: 9464, isWanted: false },
      traces: null,
      plaintext: false,
      corsOrigins: [],
      logLevel: 'info',
      poolSize: 10,
      tokens: [],
      allowAnonymous: false,
      databaseWaitMs: 60_000,
      citus: false,
      lanes: 1,
      batchSize: 128,
      queueLimit: 8192,
      keptFacts: 200_000,
      maxCalls: 1024,
      clockLeewayMs: 1_000,
      maxOpenGrants: 10_000,
      maxOpenCharges: 10_000,
      dueBooker: true,
      dueBookerIntervalMs: 10_000,
      maxWatches: 20_000,
      watchPollMs: 1_000,
      doorbell: true,
      heartbeatMs: 15_000,
      drainMs: 3_000,
      warnings: [],
    });
  });

  test('is also one in which every variable is empty', () => {
    expect(readConfig({ DATABASE_URL: '', CREDIT_LEDGER_PORT: '', CREDIT_LEDGER_TOKENS: '' })).toEqual(
      readConfig({}),
    );
  });
});

describe('variables', () => {
  test('are read', () => {
    const config = readConfig({
      DATABASE_URL: 'postgresql://app:secret@/ledger?host=/run/postgresql',
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_PORT: '0',
      CREDIT_LEDGER_TLS_CERT: '/run/tls/tls.crt',
      CREDIT_LEDGER_TLS_KEY: '/run/tls/tls.key',
      CREDIT_LEDGER_TLS_CLIENT_CA: '/run/tls/ca.crt',
      CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES: 'optional',
      CREDIT_LEDGER_CORS_ORIGINS: 'https://app.example.com, http://localhost:3000',
      CREDIT_LEDGER_LOG_LEVEL: 'debug',
      CREDIT_LEDGER_POOL_SIZE: '20',
      CREDIT_LEDGER_TOKENS: 'billing:write:s3cr:et, dashboard:read:other',
      CREDIT_LEDGER_LANES: '8',
      CREDIT_LEDGER_REPLICA_URL: 'postgresql://app@replica/ledger',
      CREDIT_LEDGER_BATCH_SIZE: '1000',
      CREDIT_LEDGER_QUEUE_LIMIT: '5',
      CREDIT_LEDGER_MAX_CALLS: '77',
      CREDIT_LEDGER_KEPT_FACTS: '7',
      CREDIT_LEDGER_CLOCK_LEEWAY_MS: '250',
      CREDIT_LEDGER_MAX_OPEN_GRANTS: '3',
      CREDIT_LEDGER_MAX_OPEN_CHARGES: '4',
      CREDIT_LEDGER_DUE_BOOKER: 'off',
      CREDIT_LEDGER_DUE_BOOKER_INTERVAL_MS: '60000',
      CREDIT_LEDGER_MAX_WATCHES: '7',
      CREDIT_LEDGER_WATCH_POLL_MS: '500',
      CREDIT_LEDGER_DOORBELL: 'off',
      CREDIT_LEDGER_HEARTBEAT_MS: '1000',
      CREDIT_LEDGER_DRAIN_MS: '0',
      PATH: '/bin',
    });

    expect(config).toEqual({
      database: { kind: 'external', url: 'postgresql://app:secret@/ledger?host=/run/postgresql' },
      host: '0.0.0.0',
      port: 0,
      metrics: { host: '127.0.0.1', port: 9464, isWanted: false },
      traces: null,
      tlsFiles: {
        cert: '/run/tls/tls.crt',
        key: '/run/tls/tls.key',
        clientCa: '/run/tls/ca.crt',
        clientCertificates: 'optional',
      },
      plaintext: false,
      corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
      logLevel: 'debug',
      poolSize: 20,
      tokens: [
        { name: 'billing', permission: 'write', token: 's3cr:et' },
        { name: 'dashboard', permission: 'read', token: 'other' },
      ],
      allowAnonymous: false,
      databaseWaitMs: 60_000,
      replicaUrl: 'postgresql://app@replica/ledger',
      citus: false,
      lanes: 8,
      batchSize: 1000,
      queueLimit: 5,
      keptFacts: 7,
      maxCalls: 77,
      clockLeewayMs: 250,
      maxOpenGrants: 3,
      maxOpenCharges: 4,
      dueBooker: false,
      dueBookerIntervalMs: 60_000,
      maxWatches: 7,
      watchPollMs: 500,
      doorbell: false,
      heartbeatMs: 1_000,
      drainMs: 0,
      warnings: [],
    });
  });

  test('on a Citus cluster every shard has a lane of its own, whatever is said about lanes', () => {
    const { citus, lanes } = readConfig({ CREDIT_LEDGER_CITUS: 'on', CREDIT_LEDGER_LANES: '2' });

    expect({ citus, lanes }).toEqual({ citus: true, lanes: 64 });
  });

  test('that nobody reads stop the start, with the nearest one that is read', () => {
    expect(problemsOf({ CREDIT_LEDGER_PROT: '1', CREDIT_LEDGER_DATADIR: 'x' })).toEqual([
      'CREDIT_LEDGER_PROT is not a variable of this service: did you mean CREDIT_LEDGER_PORT?',
      'CREDIT_LEDGER_DATADIR is not a variable of this service: did you mean CREDIT_LEDGER_DATA_DIR?',
    ]);
  });

  test('of Services that Kubernetes describes are left alone, with a warning for the one that is called like ours', () => {
    const config = readConfig({
      CREDIT_LEDGER_SERVICE_HOST: '10.96.0.17',
      CREDIT_LEDGER_SERVICE_PORT: '7400',
      CREDIT_LEDGER_SERVICE_PORT_GRPC: '7400',
      CREDIT_LEDGER_PORT: 'tcp://10.96.0.17:7400',
      CREDIT_LEDGER_PORT_7400_TCP: 'tcp://10.96.0.17:7400',
      CREDIT_LEDGER_PORT_7400_TCP_PROTO: 'tcp',
      CREDIT_LEDGER_PORT_7400_TCP_PORT: '7400',
      CREDIT_LEDGER_PORT_7400_TCP_ADDR: '10.96.0.17',
      CREDIT_LEDGER_DB_SERVICE_HOST: '10.96.0.18',
      CREDIT_LEDGER_DB_SERVICE_PORT: '5432',
      CREDIT_LEDGER_DB_PORT: 'tcp://10.96.0.18:5432',
      CREDIT_LEDGER_DB_PORT_5432_TCP_ADDR: '10.96.0.18',
    });

    expect(config).toEqual({ ...readConfig({}), warnings: [expect.any(String)] });
    expect(config.warnings[0]).toMatch(
      /^CREDIT_LEDGER_PORT is "tcp:.*default.*name the Service otherwise.*enableServiceLinks/,
    );
  });

  test('that only look like those of a Service stop the start', () => {
    expect(
      problemsOf({
        CREDIT_LEDGER_SERVICE_PORT: '9000',
        CREDIT_LEDGER_PORT_GRPC: '9000',
        CREDIT_LEDGER_DB_PORT: '5432',
      }),
    ).toHaveLength(3);
    expect(
      problemsOf({ CREDIT_LEDGER_SERVICE_HOST: '10.96.0.17', CREDIT_LEDGER_PORT_GRPC: '9000' }),
    ).toHaveLength(1);
  });

  test.each(['abc', '-1', '65536', '1.5', '0x10', '1e3', ' 8484'])('refuse "%s" as a port', (port) => {
    expect(problemsOf({ CREDIT_LEDGER_PORT: port })).toEqual([
      `CREDIT_LEDGER_PORT is "${port}": it must be a whole number from 0 to 65535`,
    ]);
  });

  test.each([
    [{}, { host: '127.0.0.1', port: 9464, isWanted: false }],
    [{ CREDIT_LEDGER_METRICS_PORT: '9464' }, { host: '127.0.0.1', port: 9464, isWanted: true }],
    [
      { CREDIT_LEDGER_METRICS_HOST: '10.0.0.7', CREDIT_LEDGER_METRICS_PORT: '0' },
      { host: '10.0.0.7', port: 0, isWanted: true },
    ],
    [{ CREDIT_LEDGER_METRICS_PORT: 'off' }, null],
    [
      { CREDIT_LEDGER_METRICS_PORT: 'tcp://10.96.0.17:9464' },
      { host: '127.0.0.1', port: 9464, isWanted: false },
    ],
  ])('%o serve metrics at %o', (env, metrics) => {
    expect(readConfig(env).metrics).toEqual(metrics);
  });

  test.each([
    [{}, null],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, null],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, { sampler: 'parentbased_traceidratio', ratio: 0.1 }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' }, null],
    [
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      },
      { sampler: 'traceidratio', ratio: 0.25 },
    ],
  ])('%o trace %o', (env, traces) => {
    expect(readConfig(env).traces).toEqual(traces);
  });

  test('of metrics and traces that cannot be read stop the start', () => {
    expect(
      problemsOf({
        CREDIT_LEDGER_METRICS_PORT: 'on',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_TRACES_SAMPLER: 'often',
        OTEL_TRACES_SAMPLER_ARG: '1.5',
      }),
    ).toEqual([
      'CREDIT_LEDGER_METRICS_PORT is "on": it must be a whole number from 0 to 65535, or off',
      'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": it must be one of http/protobuf',
      expect.stringMatching(/^OTEL_TRACES_SAMPLER is "often".*parentbased_traceidratio$/),
      'OTEL_TRACES_SAMPLER_ARG is "1.5": it must be a number from 0 to 1',
    ]);
  });

  test('report every problem at once', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://app:secret@db/ledger',
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_LOG_LEVEL: 'loud',
      CREDIT_LEDGER_BATCH_SIZE: '1001',
      CREDIT_LEDGER_TYPO: '1',
    });

    expect(problems).toHaveLength(6);
  });

  test('never show a secret in what they report', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://app:secret@db/ledger',
      CREDIT_LEDGER_TOKENS: 'a:admin:secret,b:read:secret-twice,c:write:secret-twice,d:read',
    });

    expect(problems).toEqual([
      'DATABASE_URL must start with postgres:// or postgresql://',
      'CREDIT_LEDGER_TOKENS, entry 1, must be name:read:token or name:write:token',
      'CREDIT_LEDGER_TOKENS gives c a token that another entry has already',
      'CREDIT_LEDGER_TOKENS, entry 4, must be name:read:token or name:write:token',
    ]);
  });
});
