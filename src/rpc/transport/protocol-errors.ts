import { RefusalError } from '../../refusal.ts';

/** What of a request is not as its protocol has it: `rule` of MALFORMED_REQUEST. */
type Fault = 'framing' | 'compression' | 'timeout' | 'query' | 'http';

/** What is not served of the protocol a request uses: `rule` of UNSUPPORTED_PROTOCOL. */
type Want = 'content_type' | 'http_method' | 'compression' | 'messages' | 'http_version';

export const malformed = (rule: Fault, message: string): RefusalError =>
  new RefusalError({ reason: 'MALFORMED_REQUEST', message, metadata: { rule } });

export const unsupported = (rule: Want, message: string): RefusalError =>
  new RefusalError({ reason: 'UNSUPPORTED_PROTOCOL', message, metadata: { rule } });

export const tooLarge = (
  limit: number,
  what: 'request' | 'header of the request' = 'request',
): RefusalError =>
  new RefusalError({
    reason: 'REQUEST_TOO_LARGE',
    message: `the ${what} is larger than ${limit} bytes, which is the most that is read of one`,
    metadata: { limit: String(limit) },
  });

const LONGEST_NAME = 256;

/** `path` is what was asked for, without the slash in front. */
export function unknownMethod(path: string): RefusalError {
  const method = path.slice(0, LONGEST_NAME);
  return new RefusalError({
    reason: 'UNKNOWN_METHOD',
    message: `there is no RPC at /${method}`,
    metadata: { method },
  });
}
