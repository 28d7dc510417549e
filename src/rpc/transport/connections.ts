import type { Socket } from 'node:net';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import type { Clock } from '../../db/clock.ts';
import type { MountedService } from '../call/mounted-service.ts';
import type { Middleware } from '../call/middleware.ts';
import type { Log } from '../../log.ts';
import { createCertificateNames, noCertificateNames } from './certificate-names.ts';
import type { Certificates } from './certificates.ts';
import { createConnectTransport, type Pages } from './connect-transport.ts';
import { withCors } from './cors.ts';
import { createGrpcTransport, isGrpc } from './grpc-transport.ts';
import type { CheckHost } from './host-check.ts';
import { createHttp1Server, type Http1Server } from './http1-server.ts';
import { createHttp2Connections, type Http2Connections, type StreamListener } from './http2-connections.ts';
import { createHttp2Requests } from './http2-requests.ts';
import { createSniffer, type Protocols } from './protocol-sniffer.ts';
import { createSecureHandover, tellRefused, tlsOptionsOf } from './secure-connections.ts';

type ConnectionsOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly certificates?: Certificates | undefined;
  readonly corsOrigins?: readonly string[];
  readonly pages?: Pages;
};

/** Who answers the connections of the port, each by what it speaks. */
export type Connections = {
  readonly http1: Http1Server;
  readonly http2: Http2Connections;
  /** The connections that are open; with TLS each is there as what it comes by, too, from its first moment on. */
  readonly sockets: ReadonlySet<Socket>;
};

export function createConnections(
  services: readonly MountedService[],
  middleware: Middleware,
  checkHost: CheckHost,
  { clock, log, certificates, corsOrigins = [], pages = {} }: ConnectionsOptions,
): Connections {
  const asksNames = certificates !== undefined && certificates.ofClients !== 'none';
  const namesOf = asksNames ? createCertificateNames() : noCertificateNames;
  const connect = createConnectTransport(services, middleware, { checkHost, namesOf, log, pages });
  const answer = withCors(corsOrigins, connect);
  const grpc = createGrpcTransport(services, middleware, { checkHost, namesOf });
  const http2 = createHttp2Connections(byContentType(grpc, createHttp2Requests(answer)), { clock });
  const protocols: Protocols = { http2: http2.accept, http1: (socket) => http1.accept(socket) };
  const handOver =
    certificates === undefined ? createSniffer(protocols) : createSecureHandover(protocols, log);
  const http1 = createHttp1Server(answer, handOver, { log, tls: certificates && tlsOptionsOf(certificates) });
  const sockets = keepSockets(http1.server);
  http1.server.on('tlsClientError', (error: Error, socket: TLSSocket) => tellRefused(log, socket, error));
  certificates?.onChange((options) => (http1.server as TlsServer).setSecureContext(options));
  return { http1, http2, sockets };
}

const byContentType =
  (grpc: StreamListener, others: StreamListener): StreamListener =>
  (stream, headers) =>
    (isGrpc(headers) ? grpc : others)(stream, headers);

function keepSockets(server: Http1Server['server']): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    // node:http leaves its sockets half open, and HTTP/2 does not look: a caller that died would stay for minutes.
    socket.allowHalfOpen = false;
    socket.once('close', () => sockets.delete(socket));
  };
  server.prependListener('connection', keep).prependListener('secureConnection', keep);
  return sockets;
}
