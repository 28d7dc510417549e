import { randomUUID } from 'node:crypto';
import type { IncomingCall } from './incoming-call.ts';

// What a caller sends goes into log lines and headers: short, printable, no spaces.
const ACCEPTABLE = /^[\x21-\x7e]{1,128}$/;

/** The caller's `x-request-id`, so that one id spans both logs; a new one where it is missing or unfit. */
export function requestIdOf(call: Pick<IncomingCall, 'header'>): string {
  const given = call.header('x-request-id');
  return given !== undefined && ACCEPTABLE.test(given) ? given : randomUUID();
}
