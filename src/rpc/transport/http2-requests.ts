import type { IncomingMessage, RequestListener } from 'node:http';
import {
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from 'node:http2';
import type { StreamListener } from './http2-connections.ts';

/**
 * Answers streams of HTTP/2 by what answers HTTP/1.1: Node has classes that make the one look like the other. Where they
 * differ {@link streamOf} tells which it is.
 */
export function createHttp2Requests(answer: RequestListener): StreamListener {
  const listener = answer as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void;
  // It never listens: it makes requests of streams, and knows what to do with CONNECT and Expect.
  const server = createServer(listener);
  return (stream, headers) => {
    // What is still sent of a request that is answered nobody reads. Reset at once, callers would lose the answer with it.
    stream.once('finish', () => stream.resume());
    server.emit('stream', stream, headers, 0, []);
  };
}

/** The stream that a request came by; undefined over HTTP/1.1. */
export const streamOf = (request: IncomingMessage): ServerHttp2Stream | undefined =>
  (request as IncomingMessage & { readonly stream?: ServerHttp2Stream }).stream;
