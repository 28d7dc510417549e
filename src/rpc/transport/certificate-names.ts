import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The names that the other side of a connection has shown a trusted certificate for; an HTTP/2 session counts as one. */
export type CertificateNames = (connection: Socket | { readonly socket: Socket }) => readonly string[];

const NONE: readonly string[] = [];

/** Where no certificates of clients are asked for. */
export const noCertificateNames: CertificateNames = () => NONE;

/** Looks at the certificate of a connection once, with its first call. */
export function createCertificateNames(): CertificateNames {
  const known = new WeakMap<object, readonly string[]>();
  return (connection) => {
    const before = known.get(connection);
    if (before !== undefined) return before;
    const socket = ('socket' in connection ? connection.socket : connection) as TLSSocket;
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const names = namesIn(certificate?.subjectAltName ?? '');
    known.set(connection, names);
    return names;
  };
}

/** One of Node's list of alternative names: what could be taken for more than one of them is a JSON string. */
const NAME = /([\w ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** The URI and DNS names of a certificate, as Node lists them: `DNS:billing.internal, URI:spiffe://corp/billing`. */
export function namesIn(subjectAltName: string): readonly string[] {
  const names: string[] = [];
  NAME.lastIndex = 0;
  for (
    let found = NAME.exec(subjectAltName);
    found !== null && found[0] !== '';
    found = NAME.exec(subjectAltName)
  ) {
    const [, kind, value = ''] = found;
    if (kind === 'URI' || kind === 'DNS')
      names.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return names;
}
