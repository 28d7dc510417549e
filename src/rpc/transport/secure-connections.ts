import type { Socket } from 'node:net';
import type { TlsOptions, TLSSocket } from 'node:tls';
import type { Log } from '../../log.ts';
import type { Certificates } from './certificates.ts';
import { FIRST_BYTES_MS } from './limits.ts';
import type { Protocols } from './protocol-sniffer.ts';

const HTTP2 = 'h2';

/** How a TLS connection comes about: what it speaks is agreed on with it (ALPN). */
export const tlsOptionsOf = ({ current, ofClients }: Certificates): TlsOptions => ({
  ...current(),
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ALPNProtocols: [HTTP2, 'http/1.1'],
  requestCert: ofClients !== 'none',
  rejectUnauthorized: ofClients === 'required',
  handshakeTimeout: FIRST_BYTES_MS,
});

/** Hands each secure connection to the server of the protocol it speaks: who has agreed on nothing speaks HTTP/1.1. */
export const createSecureHandover =
  (protocols: Protocols, log: Log) =>
  (socket: Socket): void => {
    const secure = socket as TLSSocket;
    // Who need not show a certificate, and shows one that is not trusted, is not taken for nobody.
    if (!secure.authorized && secure.getPeerX509Certificate() !== undefined) {
      tellRefused(log, secure);
      secure.destroy();
    } else if (secure.alpnProtocol === HTTP2) protocols.http2(secure);
    else protocols.http1(secure);
  };

/** Tells why a connection did not come about: its client hears a word at most. */
export function tellRefused(
  log: Log,
  { authorizationError }: TLSSocket,
  error?: NodeJS.ErrnoException,
): void {
  const why: unknown = authorizationError ?? error?.code ?? error;
  // Load balancers that look whether somebody listens say no more than that.
  if (why !== 'ECONNRESET') log.info({ why: String(why) }, 'a TLS connection was refused');
}
