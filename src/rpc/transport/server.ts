import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createClock, type Clock } from '../../db/clock.ts';
import { isLoopback, type AccessToken } from '../../environment.ts';
import type { Log } from '../../log.ts';
import { explainListening } from './address.ts';
import { createAuthentication } from '../call/authentication.ts';
import { createConnectTransport } from './connect-transport.ts';
import { createGrpcTransport } from './grpc-transport.ts';
import { createHttp1Server } from './http1-server.ts';
import { LINGER_MS } from './limits.ts';
import { createHostCheck } from './host-check.ts';
import { createMiddleware } from '../call/middleware.ts';
import type { MountedService } from '../call/mounted-service.ts';
import { createOpenCalls } from '../call/open-calls.ts';
import { createSniffer } from './protocol-sniffer.ts';
import type { Validate } from '../call/validation.ts';

export type ServerOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly services: readonly MountedService[];
  /** What requests have to be, before a handler sees them. */
  readonly validate: Validate;
  /** Who may call; empty: everybody may do everything. */
  readonly tokens: readonly AccessToken[];
  /** Without tokens and on loopback: whether callers may call by other names than this machine's. Default false. */
  readonly allowAnonymous?: boolean;
  readonly log: Log;
  /** What deadlines and waiting go by; default the process's. */
  readonly clock?: Clock;
  /** How long `close` waits for calls in flight. Default 10 s. */
  readonly graceMs?: number;
  /** Answers HTTP/1.1 requests for paths that are no RPC. */
  readonly fallback?: RequestListener;
};

export type RunningServer = {
  /** Such as `http://127.0.0.1:8484`, for curl and gRPC-Web; gRPC clients take its host and port. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops listening, ends streams with SHUTTING_DOWN, lets other calls finish for up to `graceMs`, then
   * ends and disconnects what is left. Resolves when every connection is closed; may be called again.
   */
  close(): Promise<void>;
};

const DEFAULT_GRACE_MS = 10_000;

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
    tokens,
    log,
    allowAnonymous = false,
    graceMs = DEFAULT_GRACE_MS,
    fallback,
    clock = createClock(),
  } = options;
  const openCalls = createOpenCalls(clock);
  const middleware = createMiddleware({
    log,
    clock,
    authenticate: createAuthentication(tokens),
    validate,
    openCalls,
  });
  const isLocal = tokens.length === 0 && !allowAnonymous && isLoopback(host);
  const checkHost = isLocal ? createHostCheck(host) : () => {};
  const grpc = createGrpcTransport(services, middleware, checkHost);
  const answer = createConnectTransport(services, middleware, checkHost, log, fallback);
  const http1 = createHttp1Server(answer, (socket) => {
    sockets.add(socket);
    // node:http leaves its sockets half open, and HTTP/2 does not look: a caller that died would stay for minutes.
    socket.allowHalfOpen = false;
    socket.once('close', () => sockets.delete(socket));
    sniffer.accept(socket);
  });
  const sniffer = createSniffer({ http2: grpc.accept, http1: http1.accept });
  const sockets = new Set<Socket>();

  const disconnect = () => sockets.forEach((socket) => socket.destroy());

  http1.server.listen(port, host);
  await once(http1.server, 'listening').catch((error: unknown) => {
    throw explainListening(error, { host, port });
  });
  const address = http1.server.address() as AddressInfo;

  const close = async () => {
    const closed = once(http1.server, 'close');
    const callOff = clock.after(graceMs + LINGER_MS, disconnect);
    sockets.forEach(closeWithoutPeer);
    http1.drain();
    sniffer.close();
    grpc.drain(graceMs + LINGER_MS);
    await openCalls.close(graceMs);
    await closed;
    callOff();
    grpc.destroy();
  };
  let closing: Promise<void> | undefined;
  return { url: urlOf(address), port: address.port, close: () => (closing ??= close()) };
}

// HTTP/2 waits for the peer to close its side too, and some clients never do.
function closeWithoutPeer(socket: Socket): void {
  const hurry = () => socket.setTimeout(LINGER_MS, () => socket.destroy());
  if (socket.writableFinished) hurry();
  else socket.once('finish', hurry);
}

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
