import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { dataDirectory, endOf, freePort, spawnService, urlOf } from '../support/child.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

/** What an operator is told by a start that cannot succeed, and what a start waits for. */

const MINUTES = 60_000;
const { url: databaseUrl } = await testDatabase();
const empty = await testDatabase('empty');
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

/** The database's own address: it listens on a socket alone. */
const [, user, password, database, socketDir, port] =
  /^\w+:\/\/([^:]+):([^@]+)@\/([^?]+)\?host=([^&]+)&port=(\d+)$/.exec(databaseUrl) ?? [];

type Line = { readonly level: string; readonly msg: string; readonly why?: string; readonly url?: string };

/** A start, and every line of its log until it ends. */
async function refusedStart(env: Readonly<Record<string, string>>) {
  const child = spawnService({ CREDIT_LEDGER_PORT: '0', CREDIT_LEDGER_DATABASE_WAIT_MS: '100', ...env });
  onTestFinished(async () => {
    await endOf(child, 'SIGKILL');
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  await once(child, 'close', { signal: AbortSignal.timeout(MINUTES) });
  return { code: child.exitCode, lines, last: lines.at(-1)! };
}

/** A port with the database behind it, as soon as it is opened. */
async function door(port_ = 0) {
  const server = createServer((near) => {
    const far = connect(`${decodeURIComponent(socketDir!)}/.s.PGSQL.${port}`);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.pipe(far).pipe(near);
  });
  onTestFinished(() => void server.close());
  server.listen(port_, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a start that cannot succeed ends with a sentence and exit code 1', () => {
  const socket = databaseUrl.slice(databaseUrl.indexOf('?'));
  const cases: Record<string, readonly [Readonly<Record<string, string>>, RegExp]> = {
    'no database there': [
      { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/ledger' },
      /^.*database of DATABASE_URL \(ledger on 127\.0\.0\.1:1 as u\) cannot be used: nothing listens there.*Waited 0\.1 seconds.*CREDIT_LEDGER_DATABASE_WAIT_MS\)\.$/,
    ],
    'no such host': [
      { DATABASE_URL: 'postgres://u:secret@no-such-host.invalid/ledger' },
      /DATABASE_URL.*(nobody knows a host|cannot be looked up)/,
    ],
    'no such socket': [
      { DATABASE_URL: 'postgres://u:secret@/ledger?host=/nowhere' },
      /DATABASE_URL.*no such socket/,
    ],
    'a wrong password': [
      { DATABASE_URL: `postgres://${user}:secret@/${database}${socket}` },
      /DATABASE_URL.*it refuses the password: correct it\.$/,
    ],
    'no such database': [
      { DATABASE_URL: `postgres://${user}:${password}@/nowhere${socket}` },
      /DATABASE_URL \(nowhere on .*it has no such database: create it, owned by the user\.$/,
    ],
    'a URL that is none': [
      { DATABASE_URL: 'postgres://u:se#cret@db:port/ledger' },
      /DATABASE_URL cannot be used: it is no URL.*percent-encode/,
    ],
    'TLS that is not spoken': [
      { DATABASE_URL: `postgres://${user}:${password}@127.0.0.1:PORT/${database}?sslmode=require` },
      /DATABASE_URL.*it speaks no TLS: leave sslmode out/,
    ],
    'no replica there': [
      { DATABASE_URL: databaseUrl, CREDIT_LEDGER_REPLICA_URL: 'postgres://u:secret@127.0.0.1:1/ledger' },
      /database of CREDIT_LEDGER_REPLICA_URL .*nothing listens there/,
    ],
    'a data directory that is a file': [
      { CREDIT_LEDGER_DATA_DIR: 'FILE' },
      /data directory .* cannot be used: it is a file\. Set CREDIT_LEDGER_DATA_DIR .*or DATABASE_URL/,
    ],
    'a data directory below a file': [
      { CREDIT_LEDGER_DATA_DIR: 'FILE/data' },
      /a part of its path is a file/,
    ],
    'a data directory that cannot be made': [
      { CREDIT_LEDGER_DATA_DIR: '/sys/data' },
      /data directory \/sys\/data cannot be used/,
    ],
    'an address of another machine for the metrics': [
      { CREDIT_LEDGER_METRICS_HOST: '192.0.2.1', CREDIT_LEDGER_METRICS_PORT: '9464' },
      /192\.0\.2\.1, port 9464, cannot be listened on: .*correct CREDIT_LEDGER_METRICS_HOST\.$/,
    ],
    'a certificate that is not there': [
      { CREDIT_LEDGER_TLS_CERT: 'FILE/tls.crt', CREDIT_LEDGER_TLS_KEY: 'FILE/tls.key' },
      /CREDIT_LEDGER_TLS_CERT is .*tls\.crt, which cannot be read: ENOTDIR\.$/,
    ],
    'no file of credentials': [
      { CREDIT_LEDGER_CREDENTIALS: '/nowhere/credentials.json' },
      /CREDIT_LEDGER_CREDENTIALS is \/nowhere\/credentials\.json, .*\n {2}- cannot be read: ENOENT$/,
    ],
    'a file that is none of credentials': [
      { CREDIT_LEDGER_CREDENTIALS: 'FILE' },
      /CREDIT_LEDGER_CREDENTIALS is .*\n {2}- \$ is not JSON/,
    ],
    'an address of another machine': [
      {
        CREDIT_LEDGER_HOST: '192.0.2.1',
        CREDIT_LEDGER_PLAINTEXT: 'true',
        CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true',
      },
      /^.*192\.0\.2\.1, port 0, cannot be listened on: this machine has no such address: correct CREDIT_LEDGER_HOST\.$/,
    ],
  };

  test.each(Object.entries(cases))(
    '%s',
    async (_, [env, sentence]) => {
      const file = join(directory.path, 'file');
      writeFileSync(file, '');
      const own = await door();
      const filled = Object.entries(env).map(([name, value]) => [
        name,
        value.replace('PORT', String(own.port)).replace(/^FILE/, file),
      ]);
      const { code, lines, last } = await refusedStart(Object.fromEntries(filled) as Record<string, string>);

      expect(last.msg).toMatch(sentence);
      expect({ code, level: last.level, keys: Object.keys(last) }).toEqual({
        code: 1,
        level: 'fatal',
        keys: ['level', 'time', 'msg'],
      });
      expect(JSON.stringify(lines)).not.toMatch(/secret|\bat .*\.[jt]s:\d/);
    },
    MINUTES,
  );

  test(
    'a port that is taken, before anything is made or migrated',
    async () => {
      const taken = await door();
      const dataDir = join(directory.path, 'never-made');
      const { code, last } = await refusedStart({
        CREDIT_LEDGER_PORT: String(taken.port),
        CREDIT_LEDGER_DATA_DIR: dataDir,
      });

      expect(last.msg).toMatch(
        /127\.0\.0\.1, port \d+, cannot be listened on: another process listens there.*CREDIT_LEDGER_PORT\.$/,
      );
      expect(code).toBe(1);
      expect(existsSync(dataDir)).toBe(false);
    },
    MINUTES,
  );

  test(
    'a database that may only be read',
    async () => {
      const sql = await openSql(empty.url);
      const [{ name }] = (await sql.rows<{ name: string }>('select current_database() as name')) as [
        { name: string },
      ];
      await sql.rows(`alter database ${name} set default_transaction_read_only = on`);
      await sql.end();
      const { last } = await refusedStart({ DATABASE_URL: empty.url });

      expect(last.msg).toMatch(/DATABASE_URL.*it is read-only, as a replica is: name the primary\.$/);
    },
    MINUTES,
  );
});

test(
  'a database that comes later is waited for, and the log says so',
  async () => {
    const later = await freePort();
    const child = spawnService({
      CREDIT_LEDGER_PORT: '0',
      CREDIT_LEDGER_DATABASE_WAIT_MS: '50000',
      DATABASE_URL: `postgres://${user}:${password}@127.0.0.1:${later}/${database}`,
    });
    onTestFinished(async () => {
      await endOf(child, 'SIGKILL');
    });
    const [first] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(JSON.parse(String(first).split('\n', 1)[0]!)).toMatchObject({
      level: 'warn',
      msg: 'waiting for the database',
      why: expect.stringContaining('nothing listens there'),
    });
    await door(later);

    expect(await urlOf(child)).toMatch(/^http/);
    expect(await endOf(child, 'SIGTERM')).toBe(0);
  },
  MINUTES,
);
