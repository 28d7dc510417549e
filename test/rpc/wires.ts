import { once } from 'node:events';
import * as http2 from 'node:http2';
import { request, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { JsonValue } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { trailerParse } from '@connectrpc/connect/protocol-grpc-web';
import { jsonFailure, WireFailure } from './clients.ts';

export type Sent = {
  readonly url: string;
  /** By what name the service is called. */
  readonly host?: string;
  readonly path?: string;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
};
export type Seen = Readonly<Record<string, unknown>>;

/** A way to send the bytes of a request, whole or broken, and to see why it was refused. */
export type Wire = {
  readonly frame: boolean;
  send(sent: Sent): Promise<Seen>;
  readonly encoding: string;
  readonly timeout: string;
};

export const READ = '/wiretest.v1.Probe/Read';
/** The message with the name Ada. */
export const ADA = Buffer.from('0a03416461', 'hex');

export const frame = (message: Uint8Array, { flags = 0, length = message.length } = {}) => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};

export type Post = (sent: Sent, contentType: string) => Promise<Response>;

// Not by fetch, which says itself whom it calls.
export async function post(
  { url, host, path = READ, body = ADA, headers = {} }: Sent,
  contentType: string,
): Promise<Response> {
  const all = { 'content-type': contentType, ...headers, ...(host !== undefined && { host }) };
  const sent = request(url + path, { method: 'POST', headers: all, agent: false });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  // Who is answered before all of it is sent may find nobody who takes the rest.
  sent.on('error', () => undefined);
  const plain = Object.entries(answer.headers).map(
    ([name, value]) => [name, String(value)] as [string, string],
  );
  return new Response(await buffer(answer), { status: answer.statusCode ?? 0, headers: plain });
}

export async function postOverHttp2(
  { url, host, path = READ, body = ADA, headers = {} }: Sent,
  contentType: string,
): Promise<Response> {
  const session = http2.connect(url).on('error', () => undefined);
  const authority = host === undefined ? {} : { ':authority': host };
  const head = { ':method': 'POST', ':path': path, 'content-type': contentType, ...headers, ...authority };
  const stream = session.request(head);
  // Who is answered before all of it is sent is told to send no more.
  stream.on('error', () => undefined).end(body);
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const bytes = await buffer(stream);
  session.destroy();
  const plain = Object.entries(answer).filter(([name]) => !name.startsWith(':'));
  return new Response(bytes, {
    status: Number(answer[':status']),
    headers: plain.map(([name, value]) => [name, String(value)] as [string, string]),
  });
}

export const json = async (response: Response): Promise<Seen> => ({
  ...jsonFailure((await response.json()) as JsonValue).seen,
  status: response.status,
});

const ofTrailers = (trailers: Headers): Seen =>
  new WireFailure(findTrailerError(trailers) ?? new ConnectError('no error', Code.Unknown)).seen;

const grpcWeb = (send: Post): Wire => ({
  frame: true,
  encoding: 'grpc-encoding',
  timeout: 'grpc-timeout',
  async send({ body = frame(ADA), ...sent }) {
    const response = await send({ body, ...sent }, 'application/grpc-web+proto');
    const answer = Buffer.from(await response.arrayBuffer());
    return ofTrailers(answer.length === 0 ? response.headers : trailerParse(answer.subarray(5)));
  },
});

const connect = (send: Post): Wire => ({
  frame: false,
  encoding: 'content-encoding',
  timeout: 'connect-timeout-ms',
  send: async (sent) => json(await send(sent, 'application/proto')),
});

export const wires: Record<string, Wire> = {
  'gRPC over HTTP/2': {
    frame: true,
    encoding: 'grpc-encoding',
    timeout: 'grpc-timeout',
    async send({ url, host, path = READ, body = frame(ADA), headers = {} }) {
      const session = http2.connect(url);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
        ...(host !== undefined && { ':authority': host }),
      });
      let trailers: http2.IncomingHttpHeaders = {};
      stream.on('response', (response) => (trailers = { ...trailers, ...response }));
      stream.on('trailers', (last) => (trailers = { ...trailers, ...last }));
      stream.resume().end(body);
      await once(stream, 'close');
      session.destroy();
      const plain = Object.entries(trailers).filter(([name]) => !name.startsWith(':'));
      return ofTrailers(new Headers(plain.map(([name, value]) => [name, String(value)])));
    },
  },
  'gRPC-Web over HTTP/1.1': grpcWeb(post),
  'gRPC-Web over HTTP/2': grpcWeb(postOverHttp2),
  'Connect over HTTP/1.1': connect(post),
  'Connect over HTTP/2': connect(postOverHttp2),
};
