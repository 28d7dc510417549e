import type { AccessToken } from '../environment.ts';
import { RIGHTS, type Credential, type Credentials, type Right } from './credential.ts';

const PERMITS: Readonly<Record<AccessToken['permission'], readonly Right[]>> = {
  read: ['READ'],
  write: RIGHTS,
};

/** The credentials of `CREDIT_LEDGER_TOKENS`, for a quick start: good in every namespace, and for as long as the process lives. */
export function tokenCredentials(tokens: readonly AccessToken[]): Credentials {
  const credentials = new Map<string, Credential>(
    tokens.map(({ name, permission, token }) => [
      token,
      { name, rights: new Set(PERMITS[permission]), namespaces: '*' },
    ]),
  );
  return {
    bySecret: (secret) => credentials.get(secret),
    // A token has to be shown: several may have one name.
    byName: () => undefined,
    onChange: () => () => undefined,
  };
}
