import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as tls from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Credentials } from '../../src/credentials/credential.ts';
import type { TlsFiles } from '../../src/environment.ts';
import { openCertificates } from '../../src/rpc/transport/certificates.ts';
import { authority, writePair, type Pair } from '../support/certificates.ts';
import { testClock } from '../support/clock.ts';
import { captureLog, serveProbe } from './harness.ts';

/** The probe behind TLS, and callers who come by it. */

export const ours = authority('ours');
export const theirs = authority('theirs');
export const own = ours.issue(['DNS:localhost', 'IP:127.0.0.1']);

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'certificates-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A server with the certificate of files that a test may change, by a clock that it moves. */
export async function serve(
  more: Partial<Pick<TlsFiles, 'clientCertificates'>> & {
    readonly ca?: string;
    readonly credentials?: Credentials;
  } = {},
) {
  const time = testClock();
  const log = captureLog();
  const where = directory();
  const files = writePair(where, 'own', own);
  const { ca, clientCertificates = 'required', credentials = null } = more;
  const clientCa = join(where, 'clients.crt');
  if (ca !== undefined) writeFileSync(clientCa, ca);
  const certificates = await openCertificates(
    { ...files, ...(ca !== undefined && { clientCa }), clientCertificates },
    { clock: time.clock, log: log.log },
  );
  const server = await serveProbe([], { certificates, credentials, log: log.log });
  onTestFinished(async () => {
    await server.close();
    await certificates.close();
  });
  /** Writes another certificate, and waits until the log tells what became of it. */
  const change = async (pair: Pair, told: string) => {
    writePair(where, 'own', pair);
    const seen = log.lines.length;
    const line = log.line((each) => String(each['msg']).includes(told) && log.lines.indexOf(each) >= seen);
    time.pass(1_000);
    return line;
  };
  return { server, log, change };
}

export const open = (port: number, options: tls.ConnectionOptions = {}) =>
  new Promise<tls.TLSSocket>((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: ours.cert, ...options });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });

/** What a request over this connection is answered with; over HTTP/1.1. */
export const ask = (port: number, options: tls.ConnectionOptions = {}) =>
  new Promise<string>((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        ca: ours.cert,
        ...options,
        agent: false,
        method: 'POST',
        path: '/wiretest.v1.Probe/Read',
        headers: { 'content-type': 'application/json' },
      },
      (response) => void text(response).then(resolve, reject),
    );
    sent.on('error', reject).end('{"name":"Ada"}');
  });

export const NO_CONNECTION = /socket hang up|ECONNRESET|certificate|disconnected|EPIPE/;
export const HELLO = '{"text":"hello Ada"}';
