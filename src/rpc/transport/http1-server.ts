import {
  createServer,
  maxHeaderSize,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Duplex } from 'node:stream';
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { Log } from '../../log.ts';
import { connectErrorOf, REQUEST_ID } from '../call/errors.ts';
import { requestIdFor } from '../call/incoming-call.ts';
import { HTTP1_KEEPALIVE_MS, linger } from './limits.ts';
import { malformed, tooLarge } from './protocol-errors.ts';

/** An HTTP/1.1 server that listens for everybody: who gets a connection is decided by what it speaks. */
export type Http1Server = {
  readonly server: ListeningServer;
  /** Answers the HTTP/1.1 requests of a connection. */
  accept(socket: Socket): void;
  /**
   * From now on answers say `connection: close`. A caller whose connection is closed without having been told may have
   * sent the next request into it, and cannot know what became of that.
   */
  drain(): void;
  /** Stops listening; connections close as soon as they have no request in flight. */
  close(): void;
};

/** Which of the two, nobody need know. */
type ListeningServer = Server | ReturnType<typeof createTlsServer>;

/**
 * `onConnection` gets every new connection in place of the HTTP/1.1 parser, with TLS once it is secure.
 * The HTTP server is the one that listens, rather than a bare net.Server handing sockets to it,
 * because Node enforces request timeouts and finds idle connections only when it does.
 */
export function createHttp1Server(
  answer: RequestListener,
  onConnection: (socket: Socket) => void,
  { log, tls }: { readonly log: Log; readonly tls?: TlsOptions | undefined },
): Http1Server {
  let draining = false;
  let closing = false;
  const answering = new WeakSet<Duplex>();
  const open = new Set<ServerResponse>();
  const serve: RequestListener = (request, response) => {
    // Node forgets the socket of a request that is over.
    const { socket } = request;
    answering.add(socket);
    open.add(response);
    if (draining) announceClose(response);
    response.once('close', () => open.delete(response));
    response.once('finish', () => {
      answering.delete(socket);
      if (closing) socket.destroySoon();
      else if (!request.complete) closeGently(request, socket);
    });
    answer(request, response);
  };
  const settings = { keepAlive: true, noDelay: true, keepAliveTimeout: HTTP1_KEEPALIVE_MS };
  const server: ListeningServer =
    tls === undefined ? createServer(settings, serve) : createTlsServer({ ...settings, ...tls }, serve);
  const opened = tls === undefined ? 'connection' : 'secureConnection';
  // It would be answered as a request that cannot be parsed, in plain text.
  server.removeAllListeners('tlsClientError');
  server.on('clientError', (error, socket) => answerUnparsed(log, error, socket, answering.has(socket)));
  const parsers = server.listeners(opened) as ((this: ListeningServer, socket: Socket) => void)[];
  server.removeAllListeners(opened);
  server.on(opened, onConnection);
  return {
    server,
    accept: (socket) => parsers.forEach((parse) => parse.call(server, socket)),
    drain: () => {
      draining = true;
      open.forEach(announceClose);
    },
    close: () => {
      closing = true;
      server.close();
    },
  };
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

// An answer given before the request was read to its end (it was too large). Nobody may ever send the rest,
// so the connection is of no more use; closed at once it would be reset, and the answer lost with it.
function closeGently(request: IncomingMessage, socket: Socket): void {
  request.resume();
  socket.end();
  linger(socket);
}

// What Node's parser refuses reaches no listener. Its own answers say nothing but a status.
function answerUnparsed(
  log: Log,
  { code }: NodeJS.ErrnoException,
  socket: Duplex,
  isAnswering: boolean,
): void {
  // A broken connection is ended by that, too, and an answer under way is not written into.
  if (code === 'ECONNRESET' || !socket.writable || isAnswering) return void socket.destroy();
  const { status, refusal } = code === 'HPE_HEADER_OVERFLOW' ? HEADERS_TOO_LARGE : UNPARSED;
  const requestId = requestIdFor(undefined);
  log.info({ requestId, reason: refusal.reason, cause: code }, 'a request was no HTTP');
  const body = Buffer.from(errorToJsonBytes(connectErrorOf(refusal), undefined));
  const head = [
    `HTTP/1.1 ${status}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${body.length}`,
    `${REQUEST_ID}: ${requestId}`,
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

const HEADERS_TOO_LARGE = {
  status: '431 Request Header Fields Too Large',
  refusal: tooLarge(maxHeaderSize, 'header of the request').refusal,
};
const UNPARSED = {
  status: '400 Bad Request',
  refusal: malformed('http', 'the request is no HTTP that can be read, or did not come to its end in time')
    .refusal,
};
