import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A secret reads `cl_<salt>_<random>`. What is kept of it reads `sha256:<salt>:<hash>`, with the hash of all of it. So a
 * secret says which hash is its own, and a call costs one look-up and one hash, however many secrets there are.
 *
 * A hash this quick is enough because a random part cannot be guessed: it has 256 bits where the tool makes it, and never
 * less than 128 (22 characters), or it is taken for no secret. Slow hashes are for passwords of people. That somebody has
 * made up those characters himself cannot be seen.
 */
const SECRET = /^cl_([0-9a-f]{16})_[\w-]{22,256}$/;
const KEPT = /^sha256:([0-9a-f]{16}):([0-9a-f]{64})$/;

const SALT_BYTES = 8;
const RANDOM_BYTES = 32;

/** What is kept of a secret. */
export type KeptSecret = { readonly salt: string; readonly digest: Buffer };

export function makeSecret(): { readonly secret: string; readonly hash: string } {
  const salt = randomBytes(SALT_BYTES).toString('hex');
  const secret = `cl_${salt}_${randomBytes(RANDOM_BYTES).toString('base64url')}`;
  return { secret, hash: `sha256:${salt}:${hash('sha256', secret)}` };
}

/** Reads what is kept of a secret; undefined: it is no such text. */
export function readKept(text: string): KeptSecret | undefined {
  const [, salt, digest] = KEPT.exec(text) ?? [];
  return salt === undefined || digest === undefined
    ? undefined
    : { salt, digest: Buffer.from(digest, 'hex') };
}

/** The salt a secret names; undefined: it is no secret. */
export const saltOf = (secret: string): string | undefined => SECRET.exec(secret)?.[1];

export const isSecretOf = ({ digest }: KeptSecret, secret: string): boolean =>
  timingSafeEqual(hash('sha256', secret, 'buffer'), digest);
