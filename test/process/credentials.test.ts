import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, createClient } from '@connectrpc/connect';
import { afterAll, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { makeSecret } from '../../src/credentials/secret.ts';
import { dataDirectory, freePort } from '../support/child.ts';
import { aCredential, fileOf } from '../support/credentials.ts';
import { testDatabase } from '../support/postgres.ts';
import { scrape } from '../support/scrape.ts';
import { transports } from '../support/transports.ts';
import { HANGS_AFTER_MS, untilSo } from '../support/until.ts';

/** A secret is replaced while the process serves, as docs/operating.md says, and nobody who has a good one notices. */

const { url: databaseUrl } = await testDatabase();
const directory = dataDirectory();
const where = mkdtempSync(join(tmpdir(), 'credentials-'));
afterAll(async () => {
  await directory.remove();
  rmSync(where, { recursive: true });
}, HANGS_AFTER_MS);

const path = join(where, 'credentials.json');
function put(text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

test(
  'a secret is replaced beside the streams that are open',
  async () => {
    const billing = aCredential('billing', ['READ'], ['shop']);
    const next = makeSecret();
    const having = (...secrets: readonly string[]) => fileOf({ entry: { ...billing.entry, secrets } });
    const [first = ''] = billing.entry.secrets;
    put(having(first));
    const metrics = await freePort();
    const { url } = await directory.start({
      DATABASE_URL: databaseUrl,
      CREDIT_LEDGER_CREDENTIALS: path,
      CREDIT_LEDGER_METRICS_PORT: String(metrics),
      // What a stream is told next is its end.
      CREDIT_LEDGER_HEARTBEAT_MS: '3600000',
    });
    const client = createClient(CreditService, transports['gRPC over HTTP/2']!(url));
    const request = { namespace: 'shop', customerId: 'ada' };
    const by = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
    const isGood = (secret: string) =>
      client.getBalance(request, by(secret)).then(
        () => true,
        () => false,
      );
    const watch = (secret: string) => client.watchBalance(request, by(secret))[Symbol.asyncIterator]();
    const broken = async () =>
      (await scrape(`http://127.0.0.1:${metrics}/metrics`)).value('credit_ledger_credentials_broken');
    expect([await isGood(next.secret), await broken()]).toEqual([false, 0]);
    const old = watch(billing.secret);
    await old.next();

    put(having(first, next.hash));
    await untilSo('the new secret is good', () => isGood(next.secret));
    expect(await isGood(billing.secret)).toBe(true);
    const young = watch(next.secret);
    await young.next();

    put(having(next.hash));
    await expect(old.next()).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect([await isGood(billing.secret), await isGood(next.secret)]).toEqual([false, true]);

    put('{"credentials": [');
    await untilSo('the metrics tell that the file is broken', async () => (await broken()) === 1);
    expect(await isGood(next.secret)).toBe(true);

    put('{"credentials": []}');
    await expect(young.next()).rejects.toMatchObject({ code: Code.Unauthenticated });
  },
  HANGS_AFTER_MS,
);
