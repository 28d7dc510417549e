import type { Socket } from 'node:net';

const KIBIBYTE = 1_024;
const MINUTE_MS = 60_000;

/** The largest request: a batch of 1,000 needs a tenth of it. gRPC clients default to the same. */
export const READ_MAX_BYTES = 4 * KIBIBYTE * KIBIBYTE;

/** The largest message of an answer over gRPC; generous, because page sizes bound responses already. */
export const SEND_MAX_BYTES = 64 * KIBIBYTE * KIBIBYTE;

/**
 * Calls one HTTP/2 connection may have open beside its streams; further ones wait at the client. No turn of the event
 * loop reads more of a connection than this, however many calls its other side would like to make.
 */
export const MAX_CONCURRENT_CALLS = 128;

/** After this long a connection takes no new calls, so that load spreads to new instances. Its streams go on. */
export const CONNECTION_AGE_MS = 60 * MINUTE_MS;
export const CONNECTION_IDLE_MS = 30 * MINUTE_MS;

/** A peer that answers no ping for this long is gone, and its streams with it. */
export const KEEPALIVE_EVERY_MS = MINUTE_MS;
export const KEEPALIVE_TIMEOUT_MS = 20_000;

/** Longer than the 60 s after which common load balancers drop an idle connection themselves. */
export const HTTP1_KEEPALIVE_MS = 75_000;

/** How long a new connection may stay silent: long enough for browsers that connect ahead of need. */
export const FIRST_BYTES_MS = 30_000;

/** For a last answer to leave. Who has not read it after that has stopped reading. */
export const LINGER_MS = 1_000;

/** Breaks a connection over which nothing goes any more for as long as that. */
export const linger = (socket: Socket): void => {
  socket.setTimeout(LINGER_MS, () => socket.destroy());
};
