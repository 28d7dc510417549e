import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { authority, writePair } from '../support/certificates.ts';
import { dataDirectory, freePort } from '../support/child.ts';
import { grantRequest } from '../support/requests.ts';
import { scrape } from '../support/scrape.ts';
import { untilSo } from '../support/until.ts';

/** TLS as an operator sets it: files, and a process that takes them anew. */

const MINUTES = 120_000;
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

const ours = authority();
const names = ['DNS:localhost', 'IP:127.0.0.1'];

const endOfCertificate = (path: string): number =>
  Date.parse(new X509Certificate(readFileSync(path)).validTo) / 1_000;

/** The names in the certificate that a new connection is shown. */
async function shownBy(url: string): Promise<string> {
  const socket = tls.connect({ port: Number(new URL(url).port), host: '127.0.0.1', ca: ours.cert });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  socket.destroy();
  return shown;
}

test(
  'a process with a certificate serves by it alone, and by its successor once that is there',
  async () => {
    const metrics = await freePort();
    const files = writePair(directory.path, 'own', ours.issue(names));
    tls.setDefaultCACertificates([...tls.rootCertificates, ours.cert]);
    const service = await directory.start({
      CREDIT_LEDGER_TLS_CERT: files.cert,
      CREDIT_LEDGER_TLS_KEY: files.key,
      CREDIT_LEDGER_METRICS_PORT: String(metrics),
    });
    const validUntil = async () =>
      (await scrape(`http://127.0.0.1:${metrics}/metrics`)).value(
        'credit_ledger_certificate_valid_until_timestamp_seconds',
      );
    const caller = callerOf(service);

    expect(service.url).toMatch(/^https:/);
    await expect(fetch(service.url.replace('https', 'http'))).rejects.toThrow('fetch failed');
    expect(await caller.answer('CreateGrant', grantRequest())).toMatchObject({ version: '1' });
    expect(await shownBy(service.url)).not.toContain('next.internal');
    expect(await validUntil()).toBe(endOfCertificate(files.cert));
    writePair(directory.path, 'own', ours.issue([...names, 'DNS:next.internal']));
    await untilSo('the next one is shown', async () =>
      (await shownBy(service.url)).includes('next.internal'),
    );
    expect(await caller.answer('GetBalance', { customerId: 'ada' })).toMatchObject({ version: '1' });
    expect(await service.end('SIGTERM')).toBe(0);
  },
  MINUTES,
);
