import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSecret } from '../../src/credentials/secret.ts';
import { authority, writePair } from '../support/certificates.ts';
import { endOf, freePort, urlOf } from '../support/child.ts';
import { databaseOf, withDatabase } from '../support/databases.ts';
import { hasCurl, shellFor } from '../support/pages.ts';
import { testDatabase } from '../support/postgres.ts';
import { blocksOf, createComparison, sectionOf } from '../support/shown.ts';

/**
 * The image, made by its script in an empty directory and run as Kubernetes runs it: by nobody in particular, on a root
 * that cannot be written to, with TLS, credentials for two namespaces, and a database with an owner and a service's role.
 */

const MINUTES = 60_000;
mkdirSync('.data', { recursive: true });
const root = realpathSync(mkdtempSync('.data/image-'));
const app = join(root, 'app');

/** What npm needs to get packages, and nothing else of ours. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(PATH|HOME|npm_config_\w+|\w*proxy|\w*CA_CERTS)$/i.test(name),
  ),
);

const nobody = ['--user', '--map-user=65534', '--map-group=65534', '--mount', '--keep-caps'];
const READ_ONLY = 'mount -o remount,bind,ro / && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"';

/** A program of the image, as nobody, who can write nowhere. */
const inImage = (...command: readonly string[]): [string, string[]] => [
  'unshare',
  [...nobody, 'sh', '-c', READ_ONLY, 'sh', ...command],
];

const canContain = spawnSync(...inImage('true')).status === 0;
if (!canContain) console.log('User namespaces are not to be had here: the image is not run.');

const migrated = await testDatabase();
const { ownerUrl } = await testDatabase('empty');
const ca = authority();
const { cert, key } = writePair(root, 'server', ca.issue(['DNS:localhost', 'IP:127.0.0.1']));
const secrets = { shop: makeSecret(), other: makeSecret() };
const credential = (name: 'shop' | 'other', namespace: string) => ({
  name,
  namespaces: [namespace],
  rights: ['READ', 'SPEND', 'GRANT'],
  secrets: [secrets[name].hash],
});
writeFileSync(join(root, 'ca.crt'), ca.cert);
writeFileSync(
  join(root, 'credentials.json'),
  JSON.stringify({ credentials: [credential('shop', 'default'), credential('other', 'other')] }),
);

describe.skipIf(!canContain)('the image', () => {
  let service: ChildProcess;
  let port: number;
  let metricsPort: number;
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: withDatabase(migrated.url, databaseOf(ownerUrl)),
    CREDIT_LEDGER_HOST: '0.0.0.0',
    CREDIT_LEDGER_PORT: '0',
    CREDIT_LEDGER_TLS_CERT: cert,
    CREDIT_LEDGER_TLS_KEY: key,
    CREDIT_LEDGER_CREDENTIALS: join(root, 'credentials.json'),
    CREDIT_LEDGER_DRAIN_MS: '0',
  };

  beforeAll(async () => {
    execFileSync('sh', ['deploy/image.sh', '.', app], { env: clean, stdio: 'pipe' });
    execFileSync(...inImage(process.execPath, 'src/migrate.ts'), {
      cwd: app,
      env: { ...env, CREDIT_LEDGER_MIGRATE_URL: ownerUrl },
      stdio: 'pipe',
    });
    metricsPort = await freePort();
    service = spawn(...inImage(process.execPath, 'src/main.ts'), {
      cwd: app,
      env: { ...env, CREDIT_LEDGER_METRICS_PORT: String(metricsPort) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    port = Number(new URL(await urlOf(service)).port);
  }, 10 * MINUTES);
  afterAll(async () => {
    if (service !== undefined) await endOf(service, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });

  /** The commands of a page as they are typed where the service takes TLS and asks who calls. */
  const securely = (commands: string, { secret } = secrets.shop) =>
    commands
      .replaceAll('http://localhost:8484', 'https://localhost:8484')
      .replaceAll('curl -sS "', `curl -sS --cacert '${root}/ca.crt' -H 'authorization: Bearer ${secret}' "`)
      .replaceAll(
        'grpcurl -plaintext',
        `grpcurl -cacert '${root}/ca.crt' -H 'authorization: Bearer ${secret}'`,
      );
  const shell = (commands: string) =>
    shellFor(
      { port, metricsUrl: `127.0.0.1:${metricsPort}/metrics` },
      { NODE_EXTRA_CA_CERTS: `${root}/ca.crt` },
    )(commands);

  const [setup, ...blocks] = blocksOf(sectionOf(readFileSync('README.md', 'utf8'), '## Try it'));
  /** What waits for its instant the README's own test tells; the rest is told here by the real clock. */
  const story = blocks.flatMap((command, i) =>
    command.language !== 'sh' || command.words.some((word) => word.startsWith('at='))
      ? []
      : [{ command, output: blocks[i + 1]! }],
  );
  const upTo = story.findIndex(({ command }) => command.text.includes('metrics'));
  const { compare } = createComparison();

  test
    .skipIf(!hasCurl)
    .each(
      story
        .slice(0, upTo)
        .map(({ command, output }) => [command.text.slice(0, 90), command, output] as const),
    )('does %s', async (_, command, output) => {
    // Who calls has a name here.
    const named = { ...output, text: output.text.replaceAll('"anonymous"', '"shop"') };
    const { printed, shown } = compare(named, await shell(`${securely(setup!.text)}\n${command.text}`));
    expect(printed).toEqual(shown);
  });

  test('is called with grpcurl', async () => {
    const ask = `grpcurl -plaintext -d '{"customer_id": "ada"}' localhost:8484 credit.v1.CreditService/GetBalance`;
    expect(JSON.parse(await shell(securely(ask)))).toMatchObject({
      balances: [{ currency: 'USD', settled: '70' }],
    });
    expect(await shell(securely(ask, secrets.other))).toContain('FORBIDDEN');
  });

  test('is ready by what its health check asks', () => {
    const asks = spawnSync(process.execPath, ['deploy/ready.ts'], {
      cwd: app,
      env: { CREDIT_LEDGER_METRICS_PORT: String(metricsPort) },
    });
    expect(asks.status).toBe(0);
  });

  test('can write nowhere', () => {
    const [program, args] = inImage('touch', 'here');
    expect(spawnSync(program, args, { cwd: app, encoding: 'utf8' }).stderr).toContain(
      'Read-only file system',
    );
  });

  test('ends when it is told to', async () => {
    expect(await endOf(service, 'SIGTERM')).toBe(0);
  });
});
