import { ANYBODY, type Credential, type Credentials, type Right } from '../../credentials/credential.ts';
import { refuse } from '../../refusal.ts';
import type { CallHead } from './incoming-call.ts';
import type { MountedRpc } from './mounted-service.ts';

/** What a caller shows: a secret, or the certificate of its connection. */
type Shown = Pick<CallHead, 'header' | 'certificateNames'>;

/** Tells who calls an RPC, or refuses them: UNAUTHENTICATED, FORBIDDEN. Namespaces are asked about later: namespaces.ts. */
export type Authenticate = (rpc: MountedRpc, call: Shown) => Credential;

/** With null everybody may do everything; public RPCs never ask. */
export function createAuthentication(credentials: Credentials | null): Authenticate {
  return ({ name, right }, call) => {
    if (right === null) return ANYBODY;
    if (credentials === null) return anybody(call);
    const credential = credentialOf(credentials, call);
    if (!credential.rights.has(right)) return forbid(name, right, credential);
    return credential;
  };
}

/** Who shows a certificate has its name, where no credential is asked for, too. */
const anybody = ({ certificateNames: [name] }: Shown): Credential =>
  name === undefined ? ANYBODY : { ...ANYBODY, name };

/** A secret that is shown is what counts, whatever the certificate says: a connection may be a proxy's. */
function credentialOf(credentials: Credentials, { header, certificateNames }: Shown): Credential {
  const authorization = header('authorization');
  if (authorization !== undefined)
    return (
      credentials.bySecret(bearerToken(authorization)) ??
      refuse('UNAUTHENTICATED', 'the bearer token is not one of those configured')
    );
  for (const name of certificateNames) {
    const credential = credentials.byName(name);
    if (credential !== undefined) return credential;
  }
  return certificateNames.length === 0
    ? refuse('UNAUTHENTICATED', 'send a token as metadata: authorization: Bearer <token>')
    : refuse('UNAUTHENTICATED', 'no name of the client certificate is that of a credential');
}

const bearerToken = (authorization: string): string =>
  /^bearer +(\S+)$/i.exec(authorization)?.[1] ??
  refuse('UNAUTHENTICATED', 'the authorization metadata must read: Bearer <token>');

const forbid = (rpc: string, permission: Right, { name }: Credential): never =>
  refuse('FORBIDDEN', `${rpc} needs the right ${permission}, which ${name} does not have`, {
    permission,
    namespace: '',
  });
