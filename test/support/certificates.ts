import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/** Certificates for tests, made as they are needed: none that is kept would be good for ever. */

export type Pair = { readonly cert: string; readonly key: string };

/** An authority of a test's own, or whoever it has signed. */
export type Authority = Pair & {
  /** A certificate for these names: `DNS:…`, `URI:…` or `IP:` and an IPv4 address. */
  issue(names: readonly string[], more?: { readonly expired?: boolean }): Pair;
};

const SECOND = 1_000;
const DAY = 86_400 * SECOND;

export function authority(name = 'an authority'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const own = { issuer: name, signedBy: keys.privateKey, from: now - DAY, to: now + DAY };
  const cert = certificate({ ...own, subject: name, publicKey: keys.publicKey, extensions: [CA] });
  return {
    cert,
    key: pemKey(keys.privateKey),
    issue: (names, { expired = false } = {}) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const to = expired ? now - SECOND : now + DAY;
      const extensions = [alternativeNames(names)];
      const issued = certificate({ ...own, to, subject: names[0] ?? 'nobody', publicKey, extensions });
      return { cert: issued, key: pemKey(privateKey) };
    },
  };
}

/** Writes both to files of that name in a directory. */
export function writePair(directory: string, name: string, { cert, key }: Pair) {
  const files = { cert: `${directory}/${name}.crt`, key: `${directory}/${name}.key` };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

/** X.509 in DER, as far as these need it (RFC 5280): a tag, a length, and what it holds. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), body]);
}

const SEQUENCE = 0x30;
const hex = (text: string) => Buffer.from(text, 'hex');
const ECDSA_WITH_SHA256 = der(SEQUENCE, hex('06082a8648ce3d040302'));
const CA = der(SEQUENCE, hex('0603551d13'), hex('0101ff'), der(0x04, der(SEQUENCE, hex('0101ff'))));

function certificate(of: {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly signedBy: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Buffer[];
}): string {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const told = der(
    SEQUENCE,
    hex('a003020102'),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    nameOf(of.issuer),
    der(SEQUENCE, timeOf(of.from), timeOf(of.to)),
    nameOf(of.subject),
    of.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...of.extensions)),
  );
  const signature = sign('sha256', told, of.signedBy);
  const all = der(SEQUENCE, told, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  return `-----BEGIN CERTIFICATE-----\n${all
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;
}

const nameOf = (text: string) =>
  der(SEQUENCE, der(0x31, der(SEQUENCE, hex('0603550403'), der(0x0c, Buffer.from(text)))));

const timeOf = (ms: number) =>
  der(0x18, Buffer.from(new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')));

const KINDS: Readonly<Record<string, (value: string) => Buffer>> = {
  DNS: (value) => der(0x82, Buffer.from(value)),
  URI: (value) => der(0x86, Buffer.from(value)),
  IP: (value) => der(0x87, Buffer.from(value.split('.').map(Number))),
};

function alternativeNames(names: readonly string[]): Buffer {
  const all = names.map((name) => {
    const [, kind = '', value = ''] = /^(\w+):(.*)$/.exec(name) ?? [];
    return KINDS[kind]!(value);
  });
  return der(SEQUENCE, hex('0603551d11'), der(0x04, der(SEQUENCE, ...all)));
}

const pemKey = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
