import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP1_KEEPALIVE_MS, LINGER_MS } from './limits.ts';

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
      // Node forgets the socket of a request that is over.
      const { socket } = request;
      response.once('finish', () => {
        if (draining) socket.destroySoon();
        else if (!request.complete) closeGently(request, socket);
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

// An answer given before the request was read to its end (it was too large). Nobody may ever send the rest,
// so the connection is of no more use; closed at once it would be reset, and the answer lost with it.
function closeGently(request: IncomingMessage, socket: Socket): void {
  request.resume();
  socket.end();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}
