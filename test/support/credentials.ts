import type { Credentials, Right } from '../../src/credentials/credential.ts';
import { credentialSet, type CredentialSet } from '../../src/credentials/credential-set.ts';
import { readCredentials } from '../../src/credentials/read-credentials.ts';
import { makeSecret } from '../../src/credentials/secret.ts';

/** A credential as the file has it, with the secret that it is shown by. */
export function aCredential(
  name: string,
  rights: readonly Right[],
  namespaces: readonly string[] | '*' = '*',
) {
  const { secret, hash } = makeSecret();
  return { secret, entry: { name, rights, namespaces, secrets: [hash] } };
}

export type MadeCredential = ReturnType<typeof aCredential>;

type Entries = readonly { readonly entry: object }[];

/** The text of a file of them. */
export const fileOf = (...credentials: Entries): string =>
  JSON.stringify({ credentials: credentials.map(({ entry }) => entry) });

/** Whose secrets and names they are. */
export function setOf(...credentials: Entries): CredentialSet {
  const read = readCredentials(fileOf(...credentials));
  if ('problems' in read) throw new Error(read.problems.join());
  return credentialSet(read.credentials);
}

/** These, until a test says that others have come in their place. */
export function changingCredentials(...first: Entries) {
  let current = setOf(...first);
  const listeners = new Set<() => void>();
  const credentials: Credentials = {
    bySecret: (secret) => current.bySecret(secret),
    byName: (name) => current.byName(name),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const become = (...next: Entries) => {
    current = setOf(...next);
    listeners.forEach((tell) => tell());
  };
  return { credentials, become, listeners };
}
