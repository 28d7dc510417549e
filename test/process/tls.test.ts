import { once } from 'node:events';
import * as tls from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { callerOf } from '../support/caller.ts';
import { authority, writePair } from '../support/certificates.ts';
import { dataDirectory } from '../support/child.ts';
import { grantRequest } from '../support/requests.ts';
import { untilSo } from '../support/until.ts';

/** TLS as an operator sets it: files, and a process that takes them anew. */

const MINUTES = 120_000;
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

const ours = authority();
const names = ['DNS:localhost', 'IP:127.0.0.1'];

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
    const files = writePair(directory.path, 'own', ours.issue(names));
    tls.setDefaultCACertificates([...tls.rootCertificates, ours.cert]);
    const service = await directory.start({
      CREDIT_LEDGER_TLS_CERT: files.cert,
      CREDIT_LEDGER_TLS_KEY: files.key,
    });
    const caller = callerOf(service);

    expect(service.url).toMatch(/^https:/);
    await expect(fetch(service.url.replace('https', 'http'))).rejects.toThrow('fetch failed');
    expect(await caller.answer('CreateGrant', grantRequest())).toMatchObject({ version: '1' });
    expect(await shownBy(service.url)).not.toContain('next.internal');
    writePair(directory.path, 'own', ours.issue([...names, 'DNS:next.internal']));
    await untilSo('the next one is shown', async () =>
      (await shownBy(service.url)).includes('next.internal'),
    );
    expect(await caller.answer('GetBalance', { customerId: 'ada' })).toMatchObject({ version: '1' });
    expect(await service.end('SIGTERM')).toBe(0);
  },
  MINUTES,
);
