import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../../db/clock.ts';
import type { TlsFiles } from '../../environment.ts';
import type { Instant } from '../../instant.ts';
import { watchFiles, type FileRead } from '../../live/watched-files.ts';
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

/**
 * Reads the files and goes on looking at them. What is of no use later is told in the log, and what was good before
 * stays until it is.
 * @throws StartError where a file cannot be read, or the key is not the certificate's.
 */
export async function openCertificates(
  files: TlsFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<FiledCertificates> {
  const { cert, key, clientCa } = files;
  const paths = clientCa === undefined ? [cert, key] : [cert, key, clientCa];
  const watched = await watchFiles(paths, clock);
  let current = usable(watched.first);
  let listener: ((options: SecureContextOptions) => void) | undefined;
  tell(log, files, current);

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

  watched.follow(take);
  return {
    current: () => current,
    validUntil: () => Date.parse(new X509Certificate(current.cert as string).validTo),
    ofClients: clientCa === undefined ? 'none' : files.clientCertificates,
    onChange: (told) => {
      listener = told;
    },
    close: watched.close,
  };
}

/** The settings that name the files, in the order in which they are read. */
const VARIABLES = ['CREDIT_LEDGER_TLS_CERT', 'CREDIT_LEDGER_TLS_KEY', 'CREDIT_LEDGER_TLS_CLIENT_CA'] as const;
type TlsVariable = (typeof VARIABLES)[number];

/** @throws StartError with the setting that is wrong. */
function usable(files: readonly FileRead[]): SecureContextOptions {
  for (const [i, { path, problem }] of files.entries())
    if (problem !== undefined) throw refused(VARIABLES[i]!, path, problem);
  const [cert, key, ca] = files as [FileRead, FileRead, FileRead | undefined];
  attempt(
    'CREDIT_LEDGER_TLS_CERT',
    cert,
    'holds no certificate in PEM',
    ({ text }) => new X509Certificate(text),
  );
  attempt('CREDIT_LEDGER_TLS_KEY', key, 'holds no private key in PEM without a password', ({ text }) =>
    createSecureContext({ key: text }),
  );
  attempt('CREDIT_LEDGER_TLS_KEY', key, 'is not the key of CREDIT_LEDGER_TLS_CERT', ({ text }) =>
    createSecureContext({ cert: cert.text, key: text }),
  );
  if (ca === undefined) return { cert: cert.text, key: key.text };
  // Node takes any text for certificates of an authority, and then trusts none.
  attempt(
    'CREDIT_LEDGER_TLS_CLIENT_CA',
    ca,
    'holds no certificate in PEM',
    ({ text }) => new X509Certificate(text),
  );
  return { cert: cert.text, key: key.text, ca: ca.text };
}

function attempt(
  variable: TlsVariable,
  file: FileRead,
  problem: string,
  use: (file: FileRead) => unknown,
): void {
  try {
    use(file);
  } catch {
    // What OpenSSL says of it helps nobody.
    throw refused(variable, file.path, problem);
  }
}

const refused = (variable: TlsVariable, path: string, problem: string) =>
  new StartError(`${variable} is ${path}, which ${problem}.`);

function tell(log: Log, { cert: path }: TlsFiles, { cert }: SecureContextOptions): void {
  const { subjectAltName: names, validTo } = new X509Certificate(cert as string);
  log.info({ path, names, validTo }, 'connections are opened with this certificate from now on');
}
