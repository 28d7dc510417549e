import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { ConfigError } from '../src/environment.ts';
import type { Environment } from '../src/environment.ts';

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

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

describe('an address that other machines reach', () => {
  test.each(['0.0.0.0', '::', '10.0.0.7', 'ledger.internal', '127.0.0.1.example.org'])(
    '%s asks for tokens and for TLS',
    (host) => {
      expect(problemsOf({ CREDIT_LEDGER_HOST: host })).toEqual([
        expect.stringMatching(
          /other machines can reach.*CREDIT_LEDGER_TOKENS.*CREDIT_LEDGER_ALLOW_ANONYMOUS=true/,
        ),
        expect.stringMatching(
          /other machines can reach.*not encrypted.*CREDIT_LEDGER_TLS_CERT.*CREDIT_LEDGER_PLAINTEXT=true/,
        ),
      ]);
    },
  );

  test('is served in plain text when that is asked for', () => {
    const asked = { CREDIT_LEDGER_HOST: '0.0.0.0', CREDIT_LEDGER_TOKENS: 'a:read:b' };

    expect(readConfig({ ...asked, CREDIT_LEDGER_PLAINTEXT: 'true' }).plaintext).toBe(true);
  });

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is not %s', (host) => {
    expect(problemsOf({ CREDIT_LEDGER_HOST: host })).toEqual([]);
  });

  test('is served without tokens when that is asked for', () => {
    const config = readConfig({
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_PLAINTEXT: 'true',
      CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true',
    });

    expect(config.tokens).toEqual([]);
  });

  test.each([',', ' ', 'a:read:'])('is not guarded by tokens that say "%s"', (tokens) => {
    const reached = { CREDIT_LEDGER_HOST: '0.0.0.0', CREDIT_LEDGER_PLAINTEXT: 'true' };

    expect(problemsOf({ ...reached, CREDIT_LEDGER_TOKENS: tokens })).not.toEqual([]);
  });

  test('cannot be both open to anyone and guarded by tokens', () => {
    expect(problemsOf({ CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true', CREDIT_LEDGER_TOKENS: 'a:read:b' })).toEqual([
      'CREDIT_LEDGER_ALLOW_ANONYMOUS=true contradicts CREDIT_LEDGER_TOKENS: remove one of them',
    ]);
  });

  test('is guarded by a file of credentials', () => {
    const config = readConfig({
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_PLAINTEXT: 'true',
      CREDIT_LEDGER_CREDENTIALS: '/etc/credit-ledger/credentials.json',
    });

    expect(config).toMatchObject({ credentialsFile: '/etc/credit-ledger/credentials.json', tokens: [] });
  });

  test('has its credentials from one place', () => {
    const both = { CREDIT_LEDGER_CREDENTIALS: 'a.json', CREDIT_LEDGER_TOKENS: 'a:read:b' };

    expect(problemsOf(both)).toEqual([
      'CREDIT_LEDGER_CREDENTIALS contradicts CREDIT_LEDGER_TOKENS: remove one of them',
    ]);
    expect(problemsOf({ ...both, CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true' })).toHaveLength(2);
  });
});

describe('TLS', () => {
  const cert = { CREDIT_LEDGER_TLS_CERT: 'tls.crt' };
  const key = { CREDIT_LEDGER_TLS_KEY: 'tls.key' };
  const together = 'CREDIT_LEDGER_TLS_CERT and CREDIT_LEDGER_TLS_KEY go together: set both, or neither';

  test('with an authority asks for certificates of clients', () => {
    expect(readConfig({ ...cert, ...key, CREDIT_LEDGER_TLS_CLIENT_CA: 'ca.crt' }).tlsFiles).toEqual({
      cert: 'tls.crt',
      key: 'tls.key',
      clientCa: 'ca.crt',
      clientCertificates: 'required',
    });
  });

  test.each<[Environment, string]>([
    [cert, together],
    [key, together],
    [
      { CREDIT_LEDGER_TLS_CLIENT_CA: 'ca.crt' },
      'CREDIT_LEDGER_TLS_CLIENT_CA is of no effect without CREDIT_LEDGER_TLS_CERT: set that, too',
    ],
    [
      { ...cert, ...key, CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES: 'optional' },
      'CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES is of no effect without CREDIT_LEDGER_TLS_CLIENT_CA: set that, too',
    ],
    [
      { ...cert, ...key, CREDIT_LEDGER_PLAINTEXT: 'true' },
      'CREDIT_LEDGER_PLAINTEXT=true contradicts CREDIT_LEDGER_TLS_CERT: remove one of them',
    ],
  ])('that is half set is refused: %o', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem]);
  });
});

test.each([
  '*',
  'app.example.com',
  'https://app.example.com/',
  'https://app.example.com/page',
  'null',
  'file:///a',
])('pages of "%s" are those of no origin', (origin) => {
  expect(problemsOf({ CREDIT_LEDGER_CORS_ORIGINS: `https://a.example,${origin}` })).toEqual([
    `CREDIT_LEDGER_CORS_ORIGINS has "${origin}": an origin is such as https://app.example.com, without a path`,
  ]);
});
