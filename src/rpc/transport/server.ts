import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createClock, type Clock } from '../../db/clock.ts';
import type { Credentials } from '../../credentials/credential.ts';
import { isLoopback } from '../../environment.ts';
import type { Log } from '../../log.ts';
import { explainListening, urlOf } from './address.ts';
import { createAuthentication } from '../call/authentication.ts';
import type { CallObserver } from '../call/call-observer.ts';
import { createCallSlots, type CallSlots, type CallSlotsOptions } from '../call/call-slots.ts';
import type { Certificates } from './certificates.ts';
import type { Pages } from './connect-transport.ts';
import { createConnections } from './connections.ts';
import { linger, LINGER_MS } from './limits.ts';
import { createHostCheck } from './host-check.ts';
import { createMiddleware } from '../call/middleware.ts';
import type { MountedService } from '../call/mounted-service.ts';
import { createOpenCalls } from '../call/open-calls.ts';
import type { Validate } from '../call/validation.ts';

export type ServerOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly services: readonly MountedService[];
  /** What requests have to be, before a handler sees them. */
  readonly validate: Validate;
  /** Who may call; null: everybody may do everything. */
  readonly credentials: Credentials | null;
  /** Without credentials and on loopback: whether callers may call by other names than this machine's. Default false. */
  readonly allowAnonymous?: boolean;
  readonly log: Log;
  /** What deadlines and waiting go by; default the process's. */
  readonly clock?: Clock;
  /** How long `close` waits for calls in flight. Default 10 s. */
  readonly graceMs?: number;
  /** What is answered by path beside RPCs. */
  readonly pages?: Pages;
  /** What connections are opened with; without, they are in plain text. */
  readonly certificates?: Certificates | undefined;
  /** Whose pages may call from a browser, by origin; default nobody's. */
  readonly corsOrigins?: readonly string[];
  /** The most calls that are worked on at once; one more is refused with OVERLOADED. Default 1024. */
  readonly maxCalls?: number;
  /** Whether one more write would be done by a deadline; default: all would. */
  readonly writesInTime?: CallSlotsOptions['writesInTime'];
  /** Told of every call. */
  readonly observer?: CallObserver | undefined;
};

export type RunningServer = {
  /** Such as `http://127.0.0.1:8484`, for curl and gRPC-Web; gRPC clients take its host and port. */
  readonly url: string;
  readonly port: number;
  /** Serves on, and asks callers over HTTP/1.1 to come back by another connection: answers say `connection: close`. */
  drain(): void;
  /** How many calls are worked on, and how many wait for that. */
  readonly calls: CallSlots['counts'];
  /**
   * Stops listening, tells HTTP/2 connections to go elsewhere (GOAWAY), ends streams with SHUTTING_DOWN, lets other
   * calls finish for up to `graceMs`, then ends them. A second later what is left is cut: requests that were never sent
   * to their end, and readers that do not read. Resolves when every connection is closed; may be called again.
   */
  close(): Promise<void>;
};

const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_MAX_CALLS = 1_024;

/**
 * Serves gRPC, gRPC-Web and the Connect protocol on one port.
 * Rejects when the address cannot be listened on, or when a rule in the proto is broken.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const {
    host,
    port,
    services,
    validate,
    credentials,
    log,
    allowAnonymous = false,
    graceMs = DEFAULT_GRACE_MS,
    certificates,
    maxCalls: limit = DEFAULT_MAX_CALLS,
    writesInTime = () => true,
    clock = createClock(),
    observer,
  } = options;
  const openCalls = createOpenCalls(clock, credentials);
  const authenticate = createAuthentication(credentials);
  const slots = createCallSlots({ limit, writesInTime, log, clock, onTurnedAway: observer?.turnedAway });
  const middleware = createMiddleware({ log, clock, authenticate, validate, openCalls, observer }, slots);
  const isLocal = credentials === null && !allowAnonymous && isLoopback(host);
  const checkHost = isLocal ? createHostCheck(host) : () => {};
  const { http1, http2, sockets } = createConnections(services, middleware, checkHost, { ...options, clock });

  const disconnect = () => sockets.forEach((socket) => socket.destroy());

  http1.server.listen(port, host);
  await once(http1.server, 'listening').catch((error: unknown) => {
    throw explainListening(error, { host, port });
  });
  const address = http1.server.address() as AddressInfo;

  const close = async () => {
    const closed = once(http1.server, 'close');
    sockets.forEach(closeWithoutPeer);
    http1.drain();
    http1.close();
    // After the port, or those who are sent elsewhere would come back to it.
    http2.drain(graceMs + LINGER_MS);
    await openCalls.close(graceMs);
    // Whoever has not sent all of a request by then is not waited for: it counts as nobody's call.
    const callOff = clock.after(LINGER_MS, disconnect);
    await closed;
    callOff();
    http2.destroy();
  };
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(certificates === undefined ? 'http' : 'https', address),
    port: address.port,
    drain: http1.drain,
    calls: slots.counts,
    close: () => (closing ??= close()),
  };
}

// HTTP/2 waits for the peer to close its side too, and some clients never do.
function closeWithoutPeer(socket: Socket): void {
  const hurry = () => linger(socket);
  if (socket.writableFinished) hurry();
  else socket.once('finish', hurry);
}
