import type { Credential, Credentials } from './credential.ts';
import type { FiledCredential } from './read-credentials.ts';
import { isSecretOf, saltOf, type KeptSecret } from './secret.ts';

/** Whose secret or name it is, of the credentials of one file. */
export type CredentialSet = Pick<Credentials, 'bySecret' | 'byName'>;

export function credentialSet(credentials: readonly FiledCredential[]): CredentialSet {
  const named = new Map(credentials.map((credential) => [credential.name, credential]));
  const kept = new Map<string, { readonly secret: KeptSecret; readonly credential: Credential }>(
    credentials.flatMap((credential) =>
      credential.secrets.map((secret) => [secret.salt, { secret, credential }] as const),
    ),
  );
  // A call asks by a secret that was shown before, nearly always, and a hash costs ten times as much as this. No more
  // than there are secrets, each of which lies in the memory of its connection anyway. A look-up compares hashes that are
  // seeded for each process before it compares any text, so the time it takes tells nothing about a secret.
  const shown = new Map<string, Credential>();
  return {
    byName: (name) => named.get(name),
    bySecret(text) {
      const known = shown.get(text);
      if (known !== undefined) return known;
      const found = kept.get(saltOf(text) ?? '');
      if (found === undefined || !isSecretOf(found.secret, text)) return undefined;
      shown.set(text, found.credential);
      return found.credential;
    },
  };
}
