import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../../db/clock.ts';
import type { TlsFiles } from '../../environment.ts';
import type { Instant } from '../../instant.ts';
import { createLoop } from '../../live/loop.ts';
import type { Log } from '../../log.ts';
import { StartError } from '../../start-error.ts';

/** What TLS connections are opened with, as the files have it now. */
export type Certificates = {
  current(): SecureContextOptions;
  /** Whether clients show certificates of their own: where they must, none other gets a connection. */
  readonly ofClients: 'none' | TlsFiles['clientCertificates'];
  /** Tells what new connections are to be opened with; those that are open go on. */
  onChange(listener: (options: SecureContextOptions) => void): void;
  close(): Promise<void>;
};

export type FiledCertificates = Certificates & {
  /** When the certificate that is shown now is of no use any more. */
  validUntil(): Instant;
};

/** As often as credentials, and by all that the files hold: what tells of a change is told by few file systems. */
const LOOK_EVERY_MS = 1_000;

/**
 * Reads the files and goes on looking at them. What is of no use later is told in the log, and what was good before
 * stays until it is.
 * @throws StartError where a file cannot be read, or the key is not the certificate's.
 */
export async function openCertificates(
  files: TlsFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<FiledCertificates> {
  let seen = await read(files);
  let current = usable(seen);
  let listener: ((options: SecureContextOptions) => void) | undefined;
  tell(log, files, current);

  async function look(): Promise<void> {
    const now = await read(files);
    if (said(now) !== said(seen)) {
      seen = now;
      take(now);
    }
    loop.within(LOOK_EVERY_MS);
  }

  function take(now: readonly FileRead[]): void {
    try {
      current = usable(now);
    } catch (error) {
      const why = (error as Error).message;
      log.error({ why }, 'the certificate was changed and is of no use; the one before goes on');
      return;
    }
    tell(log, files, current);
    listener?.(current);
  }

  const loop = createLoop(clock, 0, look);
  loop.within(LOOK_EVERY_MS);
  return {
    current: () => current,
    validUntil: () => Date.parse(new X509Certificate(current.cert as string).validTo),
    ofClients: files.clientCa === undefined ? 'none' : files.clientCertificates,
    onChange: (told) => {
      listener = told;
    },
    close: () => loop.stop(),
  };
}

type FileRead = {
  readonly variable: string;
  readonly path: string;
  readonly text: string;
  readonly failed: boolean;
};

const read = ({ cert, key, clientCa }: TlsFiles): Promise<readonly FileRead[]> =>
  Promise.all([
    readOne('CREDIT_LEDGER_TLS_CERT', cert),
    readOne('CREDIT_LEDGER_TLS_KEY', key),
    ...(clientCa === undefined ? [] : [readOne('CREDIT_LEDGER_TLS_CLIENT_CA', clientCa)]),
  ]);

const readOne = (variable: string, path: string): Promise<FileRead> =>
  readFile(path, 'utf8').then(
    (text) => ({ variable, path, text, failed: false }),
    (error: NodeJS.ErrnoException) => ({ variable, path, text: error.code ?? 'EIO', failed: true }),
  );

const said = (all: readonly FileRead[]): string => JSON.stringify(all.map(({ text }) => text));

/** @throws StartError with the setting that is wrong. */
function usable(all: readonly FileRead[]): SecureContextOptions {
  const failed = all.find((file) => file.failed);
  if (failed !== undefined) throw refused(failed, `cannot be read: ${failed.text}`);
  const [cert, key, ca] = all as [FileRead, FileRead, FileRead | undefined];
  attempt(cert, 'holds no certificate in PEM', () => new X509Certificate(cert.text));
  attempt(key, 'holds no private key in PEM without a password', () =>
    createSecureContext({ key: key.text }),
  );
  attempt(key, 'is not the key of CREDIT_LEDGER_TLS_CERT', () =>
    createSecureContext({ cert: cert.text, key: key.text }),
  );
  // Node takes any text for certificates of an authority, and then trusts none.
  if (ca !== undefined) attempt(ca, 'holds no certificate in PEM', () => new X509Certificate(ca.text));
  return { cert: cert.text, key: key.text, ...(ca !== undefined && { ca: ca.text }) };
}

function attempt(file: FileRead, problem: string, use: () => unknown): void {
  try {
    use();
  } catch {
    // What OpenSSL says of it helps nobody.
    throw refused(file, problem);
  }
}

const refused = ({ variable, path }: FileRead, problem: string) =>
  new StartError(`${variable} is ${path}, which ${problem}.`);

function tell(log: Log, { cert: path }: TlsFiles, { cert }: SecureContextOptions): void {
  const { subjectAltName: names, validTo } = new X509Certificate(cert as string);
  log.info({ path, names, validTo }, 'connections are opened with this certificate from now on');
}
