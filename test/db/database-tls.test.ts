import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect as dial, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, statement } from '../../src/db/database.ts';
import { reachDatabase } from '../../src/db/reach.ts';
import { readPassword } from '../../src/embedded/cluster.ts';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { connectAsSuperuser } from '../../src/embedded/provision.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/start.ts';
import { callerOf } from '../support/caller.ts';
import { migrateFor, query, withUser } from '../support/databases.ts';
import { authority, writePair, type Pair } from '../support/certificates.ts';
import { endOf, freePort, spawnService, urlOf } from '../support/child.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { untilSo } from '../support/until.ts';
import { watching } from '../support/watching.ts';

/** A Postgres that other machines reach: TLS and nothing else, for all that the service says to it. */

const MINUTE = 60_000;
const home = mkdtempSync(join(tmpdir(), 'database-tls-'));
chmodSync(home, 0o755);
const pgdata = join(home, 'data/postgres');
const [ours, theirs] = [authority('ours'), authority('theirs')];
const file = (name: string, text: string, mode = 0o644): string => {
  writeFileSync(join(home, name), text, { mode });
  return join(home, name);
};
const [trusted, foreign] = [file('ours.crt', ours.cert), file('theirs.crt', theirs.cert)];
const clients = writePair(home, 'client', ours.issue(['DNS:ledger']));

let postgres: EmbeddedPostgres;
let port: number;
let superuser: pg.Client;
let role: pg.Client;

/** Postgres reads a key only of its own or of root's. */
function keepForPostgres(name: string, { cert, key }: Pair): void {
  const { uid, gid } = statSync(pgdata);
  for (const [ending, text] of Object.entries({ crt: cert, key })) {
    const path = join(pgdata, `${name}.${ending}`);
    writeFileSync(path, text, { mode: 0o600 });
    chownSync(path, uid, gid);
  }
}

beforeAll(async () => {
  const dataDir = join(home, 'data');
  await (await startEmbeddedPostgres({ dataDir })).stop();
  keepForPostgres('server', ours.issue(['IP:127.0.0.1']));
  keepForPostgres('ca', ours);
  writeFileSync(
    join(pgdata, 'pg_hba.conf'),
    `local all all scram-sha-256
     hostssl postgres all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca
     hostssl all all 127.0.0.1/32 scram-sha-256\n`,
  );
  port = await freePort();
  const ssl = { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', ssl_ca_file: 'ca.crt' };
  postgres = await startEmbeddedPostgres({
    dataDir,
    settings: { ...ssl, listen_addresses: '127.0.0.1', port: String(port), fsync: 'off' },
  });
  superuser = await connectAsSuperuser(findPostmaster(pgdata)!, readPassword(pgdata));
  role = new pg.Client({ connectionString: postgres.url });
}, 2 * MINUTE);

afterAll(async () => {
  await superuser?.end();
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
}, MINUTE);

type Place = { readonly host?: string; readonly at?: number; readonly database?: string };

/** The database over the network, as the service's role. */
const urlWith = (parameters: string, { host = '127.0.0.1', at = port, database }: Place = {}): string =>
  `postgresql://${role.user}:${role.password}@${host}:${at}/${database ?? role.database}?${parameters}`;
const full = (place?: Place): string => urlWith(`sslmode=verify-full&sslrootcert=${trusted}`, place);

/** The way to Postgres, which keeps how each connection begins. */
async function witness() {
  const beginnings: string[] = [];
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.once('data', (data: Buffer) => beginnings.push(data.toString('hex')));
    near.pipe(far).pipe(near);
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { beginnings, at: (server.address() as AddressInfo).port };
}

/** What asks for TLS, before anything else is said. */
const SSL_REQUEST = '0000000804d2162f';

test(
  'all that the service asks is encrypted, and its password may change while it serves',
  async () => {
    const way = await witness();
    const owner = new pg.Client({ connectionString: postgres.ownerUrl });
    const passwords = (service: string) =>
      file(
        'passwords',
        `127.0.0.1:*:*:${role.user}:${service}\n127.0.0.1:*:*:${owner.user}:${owner.password}\n`,
        0o600,
      );
    const bare = (user: string) =>
      `postgresql://${user}@127.0.0.1:${way.at}/${role.database}?sslmode=verify-full&sslrootcert=${trusted}`;
    const env = {
      DATABASE_URL: bare(role.user!),
      CREDIT_LEDGER_MIGRATE_URL: bare(owner.user!),
      PGPASSFILE: passwords(role.password as string),
      CREDIT_LEDGER_PORT: '0',
    };
    const children = [spawnService(env), spawnService(env)];
    onTestFinished(async () => {
      await Promise.all(children.map((child) => endOf(child, 'SIGTERM')));
    });
    const [here, there] = (await Promise.all(children.map(urlOf))).map((url) => ({ url })) as [
      { url: string },
      { url: string },
    ];
    const [caller, other] = [callerOf(here), callerOf(there)];
    const client = grpcCaller(here.url);
    onTestFinished(() => client.close());

    await caller.answer('CreateGrant', grantRequest({ customerId: 'ada' }));
    const { next, news } = watching(client, 'ada');
    await next();
    await other.answer('ConsumeCredits', spendRequest({ customerId: 'ada', amount: '25' }));
    expect(await news()).toMatchObject({ version: 2 });
    const { rows } = await superuser.query<{ application: string; ssl: boolean }>(
      `select distinct application_name as application, ssl from pg_stat_activity join pg_stat_ssl using (pid)
     where usename = $1 order by 1`,
      [role.user],
    );
    expect(rows).toEqual([
      { application: 'credit-ledger', ssl: true },
      { application: 'credit-ledger-notifications', ssl: true },
    ]);

    await superuser.query(`alter role ${role.user} password 'another'`);
    passwords('another');
    await superuser.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1', [
      role.user,
    ]);
    await untilSo(
      'it is served again',
      async () => (await caller.result('GetBalance', { customerId: 'ada' })).ok,
    );
    await superuser.query(`alter role ${role.user} password '${role.password}'`);
    expect(new Set(way.beginnings)).toEqual(new Set([SSL_REQUEST]));
    console.log(`${way.beginnings.length} connections, each of which began by asking for TLS`);
  },
  MINUTE,
);

test('a question that nobody waits for any more is canceled, over TLS as well', async () => {
  const way = await witness();
  const database = connect({ url: full({ at: way.at }), poolSize: 1 });
  onTestFinished(() => database.close());
  const pid = statement<{ pid: number }>('pid', 'select pg_backend_pid() as pid');
  const [before] = await database.run(pid);
  const leaving = new AbortController();
  const asked = database.until(leaving.signal).run(statement('sleep', 'select pg_sleep(600)'));
  await untilSo('it sleeps', async () => {
    const { rows } = await superuser.query(
      `select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`,
      [before!.pid],
    );
    return rows.length === 1;
  });
  leaving.abort(new Error('gone'));

  await expect(asked).rejects.toThrow('gone');
  expect(await database.run(pid)).toEqual([before]);
  expect(way.beginnings.length).toBeGreaterThan(1);
  expect(new Set(way.beginnings)).toEqual(new Set([SSL_REQUEST]));
});

const reach = (url: string): Promise<void> =>
  reachDatabase({ url, variable: 'DATABASE_URL' }, { waitMs: 0, onWaiting: () => undefined });

describe('a start is refused with a sentence', () => {
  const cases: Record<string, readonly [() => string, RegExp]> = {
    'plain text where TLS is wanted': [
      () => urlWith(''),
      /it does not let this user in without TLS: add sslmode=verify-full/,
    ],
    'an authority that is not its own': [
      () => urlWith(`sslmode=verify-full&sslrootcert=${foreign}`),
      /its certificate is not trusted \(SELF_SIGNED_CERT_IN_CHAIN\): see sslmode and sslrootcert/,
    ],
    'no authority': [() => urlWith('sslmode=require'), /its certificate is not trusted/],
    'a name that is not in its certificate': [
      () => full({ host: 'localhost' }),
      /its certificate is not of this host \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
    ],
    'an authority that is no file': [
      () => urlWith('sslmode=verify-full&sslrootcert=/nowhere/ca.crt'),
      /a file that it names cannot be read \(ENOENT: .*ca\.crt'\)/,
    ],
    'an authority that is a directory': [
      () => urlWith(`sslmode=verify-full&sslrootcert=${home}`),
      /a file that it names cannot be read \(EISDIR/,
    ],
    'a key that is none': [
      () => full() + `&sslcert=${clients.cert}&sslkey=${file('no.key', 'no key')}`,
      /sslcert and sslkey are no certificate with its key, in PEM/,
    ],
    'no certificate where one is wanted': [
      () => full({ database: 'postgres' }),
      /it wants a certificate of the client: add sslcert and sslkey/,
    ],
    'a certificate that it does not trust': [
      () => {
        const pair = writePair(home, 'stranger', theirs.issue(['DNS:ledger']));
        return full({ database: 'postgres' }) + `&sslcert=${pair.cert}&sslkey=${pair.key}`;
      },
      /it refuses the certificate of the client \(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA\): see sslcert/,
    ],
  };

  test.each(Object.entries(cases))('%s', async (_, [url, sentence]) => {
    const failure = await reach(url()).catch((error: unknown) => error);

    expect(failure).toMatchObject({ name: 'StartError', message: expect.stringMatching(sentence) });
    expect((failure as Error).message).toMatch(/^The database of DATABASE_URL/);
  });
});

describe('a start is not refused', () => {
  test('with the certificate that is wanted', async () => {
    await expect(
      reach(full({ database: 'postgres' }) + `&sslcert=${clients.cert}&sslkey=${clients.key}`),
    ).resolves.toBeUndefined();
  });

  test('unverified, where the URL says so', async () => {
    await expect(reach(urlWith('sslmode=no-verify', { host: 'localhost' }))).resolves.toBeUndefined();
  });
});

test('a renewed authority is taken by the next connection', async () => {
  const renewed = file('renewed.crt', theirs.cert);
  const database = connect({ url: urlWith(`sslmode=verify-full&sslrootcert=${renewed}`), poolSize: 1 });
  onTestFinished(() => database.close());
  const one = statement<{ one: number }>('one', 'select 1 as one');

  await expect(database.run(one)).rejects.toThrow(/self-signed certificate/);
  file('renewed.crt', ours.cert);
  expect(await database.run(one)).toEqual([{ one: 1 }]);
});

test('a second role of the service serves beside the first, once it was migrated for', async () => {
  const owner = new pg.Client({ connectionString: postgres.ownerUrl });
  await superuser.query(`create role second login password 'second'; grant second to ${owner.user}`);
  const url = withUser(postgres.url, 'second', 'second');
  const question = 'select count(*)::int as count from writes';
  await migrateFor(postgres);

  await expect(query(url, question)).rejects.toThrow('permission denied');
  expect(await migrateFor({ ...postgres, url })).toEqual([]);
  const counted = [{ count: expect.any(Number) }];
  expect(await Promise.all([url, postgres.url].map((of) => query(of, question)))).toEqual([counted, counted]);
  await expect(query(url, 'delete from writes')).rejects.toThrow('permission denied');
});
