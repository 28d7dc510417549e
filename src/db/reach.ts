import pg from 'pg';
import { StartError } from '../start-error.ts';
import { monotonic, waitUntil } from './clock.ts';
import { openKnex } from './knex.ts';

/** A database as it is set: its URL, and the variable that has it. */
export type Setting = { readonly url: string; readonly variable: string };

/** Why a database cannot be used; one that `mayPass` needs nobody to set it right. */
type Trouble = { readonly words: string; readonly mayPass: boolean };

const TRY_EVERY_MS = 500;
const SAY_EVERY_MS = 5_000;
const CONNECT_MS = 5_000;

/**
 * Resolves when the database takes a connection. One that is not there yet, as where both start together, is waited for
 * `waitMs`; `onWaiting` is told why, now and then.
 * @throws StartError that names the variable and says what to do, at once where waiting does not help.
 */
export async function reachDatabase(
  setting: Setting,
  { waitMs, onWaiting }: { readonly waitMs: number; readonly onWaiting: (why: string) => void },
): Promise<void> {
  let said = -Infinity;
  let last = '';
  const reached = await waitUntil(
    async () => {
      try {
        await tryOnce(setting);
        return true;
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === undefined) throw error;
        last = sentence(setting, trouble.words);
        if (!trouble.mayPass) throw new StartError(last);
      }
      if (monotonic() - said >= SAY_EVERY_MS) onWaiting(last);
      if (monotonic() - said >= SAY_EVERY_MS) said = monotonic();
      return undefined;
    },
    { timeoutMs: waitMs, everyMs: Math.min(TRY_EVERY_MS, waitMs) },
  );
  if (reached !== true)
    throw new StartError(`${last} Waited ${waitMs / 1_000} seconds for it (CREDIT_LEDGER_DATABASE_WAIT_MS).`);
}

/** What the database says to the first that wants to work in it, as a sentence; anything else as it is. */
export function explainDatabase(error: unknown, setting: Setting): unknown {
  const trouble = troubleOf(error);
  return trouble === undefined ? error : new StartError(sentence(setting, trouble.words));
}

async function tryOnce({ url }: Setting): Promise<void> {
  const connection = {
    connectionString: url,
    application_name: 'credit-ledger start',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  };
  const db = openKnex(connection, 1);
  try {
    await db.raw('select 1');
  } finally {
    await db.destroy();
  }
}

/** By the code of Postgres or of the operating system. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  ECONNREFUSED: { words: 'nothing listens there: is it running, is the port right?', mayPass: true },
  ENOENT: { words: 'there is no such socket: is it running, is the directory right?', mayPass: true },
  ENOTFOUND: { words: 'nobody knows a host of that name: is it spelt right?', mayPass: true },
  EAI_AGAIN: { words: 'its name cannot be looked up: is the network there?', mayPass: true },
  EHOSTUNREACH: { words: 'no way leads to its host: is the network there?', mayPass: true },
  ENETUNREACH: { words: 'no way leads to its host: is the network there?', mayPass: true },
  ETIMEDOUT: {
    words: 'it does not answer: is the host right, does a firewall stand between?',
    mayPass: true,
  },
  ECONNRESET: { words: 'it closed the connection: is that a Postgres?', mayPass: true },
  '57P03': { words: 'it is starting or stopping.', mayPass: true },
  '53300': { words: 'it takes no more connections: end some, or raise its max_connections.', mayPass: true },
  '28P01': { words: 'it refuses the password: correct it.', mayPass: false },
  '28000': {
    words: 'it refuses this user: is the name right, does its pg_hba.conf let it in?',
    mayPass: false,
  },
  '3D000': { words: 'it has no such database: create it, owned by the user.', mayPass: false },
  '42501': { words: 'the user may not make tables there: the database must be its own.', mayPass: false },
  '25006': { words: 'it is read-only, as a replica is: name the primary.', mayPass: false },
  '53100': { words: 'its disk is full.', mayPass: false },
  ERR_INVALID_URL: {
    words:
      'it is no URL that can be read: percent-encode what is neither letter nor digit in user and password.',
    mayPass: false,
  },
};

/** What pg says in words alone. */
const SAID: readonly (readonly [RegExp, Trouble])[] = [
  [/timeout expired|timeout exceeded|read timeout/, TROUBLES['ETIMEDOUT']!],
  [/^Connection terminated/, TROUBLES['ECONNRESET']!],
  [/does not support SSL/, { words: 'it speaks no TLS: leave sslmode out of the URL.', mayPass: false }],
  [/password must be a string/, { words: 'it asks for a password, and the URL has none.', mayPass: false }],
];

/** Of a file that the URL names; a connection that is lost fails in `read`, too. */
const FILE_CODES = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES']);

/** What is wrong with TLS, by the code and what is said with it; none of it passes by itself. */
const TLS: readonly (readonly [RegExp, (code: string) => string])[] = [
  // Said of every entry that is missing; who comes by a socket is not asked for TLS.
  [
    /^28000 (?!.*\[local\]).*no encryption/,
    () =>
      'it does not let this user in without TLS: add sslmode=verify-full, or is the name wrong, or its pg_hba.conf?',
  ],
  [/^28000 .*client certificate/, () => 'it wants a certificate of the client: add sslcert and sslkey.'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID/,
    (code) => `its certificate is not of this host (${code}): name it as the certificate does.`,
  ],
  [
    /^ERR_SSL_\S*ALERT_\S*(CA|CERTIFICATE)/,
    (code) => `it refuses the certificate of the client (${code}): see sslcert.`,
  ],
  [/^ERR_SSL/, (code) => `no TLS with it comes about (${code}).`],
  [/^ERR_OSSL/, (code) => `sslcert and sslkey are no certificate with its key, in PEM (${code}).`],
  [
    /^(ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_)/,
    (code) => `its certificate is not trusted (${code}): see sslmode and sslrootcert.`,
  ],
];

function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  const tls = TLS.find(([said]) => said.test(`${code} ${error.message}`));
  if (tls !== undefined) return { words: tls[1](code), mayPass: false };
  if ((syscall === 'open' || syscall === 'read') && FILE_CODES.has(code))
    return { words: `a file that it names cannot be read (${error.message}).`, mayPass: false };
  if (Object.hasOwn(TROUBLES, code)) return TROUBLES[code];
  return SAID.find(([words]) => words.test(error.message))?.[1];
}

function sentence({ url, variable }: Setting, words: string): string {
  return `The database of ${variable}${targetOf(url)} cannot be used: ${words}`;
}

/** Whom the URL leads to, without the password. */
function targetOf(url: string): string {
  try {
    const { user, host, port, database } = new pg.Client({ connectionString: url });
    return ` (${database ?? ''} on ${host}:${port} as ${user ?? ''})`;
  } catch {
    return '';
  }
}
