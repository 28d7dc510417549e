import type { Clock } from '../db/clock.ts';
import { watchFiles, type FileRead } from '../live/watched-files.ts';
import type { Log } from '../log.ts';
import { StartError } from '../start-error.ts';
import type { Credentials } from './credential.ts';
import { credentialSet } from './credential-set.ts';
import { readCredentials, type FiledCredential, type ReadCredentials } from './read-credentials.ts';

/** The credentials of a file, as it is now. */
export type CredentialsFile = Credentials & {
  /** Whether it cannot be read as it is now, so that what it said before is what counts. */
  isBroken(): boolean;
  close(): Promise<void>;
};

/**
 * Reads the file and goes on looking at it. One that cannot be read later is told of in the log, and the last good one is
 * good until it can.
 * @throws StartError with everything that is wrong with it.
 */
export async function openCredentialsFile(
  path: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<CredentialsFile> {
  const files = await watchFiles([path], clock);
  const first = read(files.first[0]!);
  if ('problems' in first) throw new StartError(refusalOf(path, first.problems));
  let { credentials } = first;
  let current = credentialSet(credentials);
  let broken = false;
  const listeners = new Set<() => void>();

  function take(answer: ReadCredentials): void {
    broken = 'problems' in answer;
    if ('problems' in answer) {
      const { problems } = answer;
      log.error({ path, problems }, 'the credentials cannot be read; those from before stay good');
      return;
    }
    const change = changeBetween(credentials, answer.credentials);
    ({ credentials } = answer);
    current = credentialSet(credentials);
    log.info({ path, credentials: credentials.length, ...change }, 'the credentials were read again');
    for (const listener of listeners) listener();
  }

  files.follow(([file]) => take(read(file!)));
  return {
    bySecret: (secret) => current.bySecret(secret),
    byName: (name) => current.byName(name),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    isBroken: () => broken,
    close: files.close,
  };
}

const read = ({ text, problem }: FileRead): ReadCredentials =>
  problem === undefined ? readCredentials(text) : { problems: [problem] };

const refusalOf = (path: string, problems: readonly string[]): string =>
  `CREDIT_LEDGER_CREDENTIALS is ${path}, which is no file of credentials:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`;

/** Names alone: which came, which went, and which may do something else or by other secrets. */
function changeBetween(before: readonly FiledCredential[], after: readonly FiledCredential[]) {
  const [then, now] = [saidBy(before), saidBy(after)];
  return {
    added: [...now.keys()].filter((name) => !then.has(name)),
    withdrawn: [...then.keys()].filter((name) => !now.has(name)),
    changed: [...now]
      .filter(([name, said]) => then.has(name) && then.get(name) !== said)
      .map(([name]) => name),
  };
}

const saidBy = (credentials: readonly FiledCredential[]): ReadonlyMap<string, string> =>
  new Map(credentials.map((one) => [one.name, saidOf(one)]));

const saidOf = ({ rights, namespaces, secrets }: FiledCredential): string =>
  JSON.stringify([
    [...rights].toSorted(),
    namespaces === '*' ? '*' : [...namespaces].toSorted(),
    secrets.map(({ digest }) => digest.toString('hex')).toSorted(),
  ]);
