import { hash, timingSafeEqual } from 'node:crypto';
import type { AccessToken } from '../../environment.ts';
import { refuse } from '../../refusal.ts';
import type { CallHead } from './incoming-call.ts';
import { changesNothing, type MountedRpc } from './mounted-service.ts';

/** Names the caller of an RPC, or refuses it: UNAUTHENTICATED, FORBIDDEN. */
export type Authenticate = (method: MountedRpc, call: Pick<CallHead, 'header'>) => string;

const ANONYMOUS = 'anonymous';

/** Without tokens everybody may do everything; public methods never ask. */
export function createAuthentication(tokens: readonly AccessToken[]): Authenticate {
  const known = tokens.map(({ name, permission, token }) => ({ name, permission, digest: digest(token) }));
  return (method, call) => {
    if (known.length === 0 || method.isPublic) return ANONYMOUS;
    const presented = digest(bearerToken(call));
    // Digests have one length, and every one is compared: the time taken tells nothing about any token.
    const matches = known.filter((candidate) => timingSafeEqual(candidate.digest, presented));
    const caller = matches[0];
    if (caller === undefined)
      return refuse('UNAUTHENTICATED', 'the bearer token is not one of those configured');
    if (caller.permission === 'read' && !changesNothing(method)) return forbid(method, caller.name);
    return caller.name;
  };
}

function bearerToken(call: Pick<CallHead, 'header'>): string {
  const header = call.header('authorization');
  if (header === undefined)
    return refuse('UNAUTHENTICATED', 'send a token as metadata: authorization: Bearer <token>');
  const token = /^bearer +(\S+)$/i.exec(header)?.[1];
  return token ?? refuse('UNAUTHENTICATED', 'the authorization metadata must read: Bearer <token>');
}

function forbid(method: MountedRpc, caller: string): never {
  return refuse('FORBIDDEN', `${method.name} needs the permission write; the token ${caller} has read`, {
    permission: 'write',
  });
}

const digest = (token: string): Buffer => hash('sha256', token, 'buffer');
