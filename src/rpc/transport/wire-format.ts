import * as connect from '@connectrpc/connect/protocol-connect';
import * as grpcWeb from '@connectrpc/connect/protocol-grpc-web';
import { malformed, unsupported } from './protocol-errors.ts';
import type { MessageCodec } from '../decoding/decode-request.ts';
import { changesNothing, type MountedRpc } from '../call/mounted-service.ts';
import { quoted, type TimeoutHeader } from '../transport/timeout-header.ts';

/** How a request over HTTP holds its message, and how its answer will: one of the forms of Connect and gRPC-Web. */
export type WireFormat = {
  readonly protocol: 'connect' | 'grpc-web';
  readonly codec: MessageCodec;
  /** The message stands behind five bytes: a flag and its length. */
  readonly framed: boolean;
  /** The header that names the compression of the message. */
  readonly compression: string;
  readonly timeout: TimeoutHeader;
  /** What the request says it is, in the one spelling for it. */
  readonly contentType: string;
};

export type RequestHead = {
  readonly isHttp2: boolean;
  readonly httpMethod: string;
  readonly contentType: string;
  /** Of a GET, whose message is in its query. */
  readonly query: ReadonlyMap<string, string>;
};

/**
 * The format of a request for this method.
 * @throws RefusalError where it is none that is served, with what to send instead.
 */
export function formatOf(
  method: MountedRpc,
  { isHttp2, httpMethod, contentType, query }: RequestHead,
): WireFormat {
  if (method.method.methodKind === 'bidi_streaming' && !isHttp2)
    throw unsupported('http_version', `${method.name} talks both ways at once, which takes HTTP/2`);
  if (httpMethod === 'GET') return formatOfGet(method, query);
  if (httpMethod !== 'POST')
    throw unsupported('http_method', `${method.name} is called by POST, not by ${quoted(httpMethod)}`);
  const web = grpcWeb.parseContentType(contentType);
  if (web !== undefined && !web.text) return grpcWebFormat(web.binary ? 'proto' : 'json');
  const plain = connect.parseContentType(contentType);
  if (plain?.stream === (method.kind !== 'unary'))
    return connectFormat(plain.binary ? 'proto' : 'json', plain.stream);
  throw unsupported(
    'content_type',
    `${method.name} is not called with ${described(contentType)}: send ${wanted(method)}`,
  );
}

function formatOfGet(method: MountedRpc, query: ReadonlyMap<string, string>): WireFormat {
  if (method.kind !== 'unary' || !changesNothing(method))
    throw unsupported(
      'http_method',
      `${method.name} is called by POST: only what reads one answer may be asked by GET`,
    );
  const encoding = query.get('encoding');
  if (encoding === 'json' || encoding === 'proto') return connectFormat(encoding, false);
  throw malformed(
    'query',
    'the query must have encoding=json or encoding=proto, and the request as message=…',
  );
}

const grpcWebFormat = (codec: MessageCodec): WireFormat => ({
  protocol: 'grpc-web',
  codec,
  framed: true,
  compression: 'grpc-encoding',
  timeout: 'grpc-timeout',
  contentType: `application/grpc-web+${codec}`,
});

const connectFormat = (codec: MessageCodec, framed: boolean): WireFormat => ({
  protocol: 'connect',
  codec,
  framed,
  compression: framed ? 'connect-content-encoding' : 'content-encoding',
  timeout: 'connect-timeout-ms',
  contentType: framed ? `application/connect+${codec}` : `application/${codec}`,
});

const described = (contentType: string) => (contentType === '' ? 'no content-type' : quoted(contentType));

const wanted = (method: MountedRpc) =>
  method.kind === 'unary'
    ? 'content-type: application/json (or application/proto, application/grpc-web)'
    : 'content-type: application/connect+json (or application/connect+proto, application/grpc-web) and its message in a frame, or use grpcurl';
