import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP1_KEEPALIVE_MS } from './limits.ts';

/** An HTTP/1.1 server that listens for everybody: who gets a connection is decided by its first bytes. */
export type Http1Server = {
  readonly server: Server;
  /** Answers the HTTP/1.1 requests of a connection. */
  accept(socket: Socket): void;
  /** Stops listening; connections close as soon as they have no request in flight. */
  drain(): void;
};

/**
 * `onConnection` gets every new connection in place of the HTTP/1.1 parser.
 * The HTTP server is the one that listens, rather than a bare net.Server handing sockets to it,
 * because Node enforces request timeouts and finds idle connections only when it does.
 */
export function createHttp1Server(
  answer: RequestListener,
  onConnection: (socket: Socket) => void,
): Http1Server {
  let draining = false;
  const server = createServer(
    { keepAlive: true, noDelay: true, keepAliveTimeout: HTTP1_KEEPALIVE_MS },
    (request, response) => {
      response.once('finish', () => {
        if (draining) request.socket.destroySoon();
      });
      answer(request, response);
    },
  );
  const parsers = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', onConnection);
  return {
    server,
    accept: (socket) => parsers.forEach((parse) => parse.call(server, socket)),
    drain: () => {
      draining = true;
      server.close();
    },
  };
}
