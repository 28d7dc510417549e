import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { Middleware } from '../call/middleware.ts';
import type { CheckHost } from './host-check.ts';
import type { StreamListener } from './http2-connections.ts';
import { unsupported } from './protocol-errors.ts';
import { quoted } from './timeout-header.ts';

/** Tells streams that are no gRPC call what is spoken over HTTP/2. */
export const refuseNotGrpc =
  ({ reject }: Middleware, checkHost: CheckHost): StreamListener =>
  (stream, headers) => {
    const { ':path': path = '', ':authority': host = headers.host, 'content-type': contentType } = headers;
    const said = contentType === undefined ? 'nothing' : quoted(contentType);
    let thrown: unknown = unsupported(
      'content_type',
      `over HTTP/2 this port speaks gRPC, whose content-type is application/grpc, not ${said}; JSON is for HTTP/1.1`,
    );
    try {
      checkHost(host);
    } catch (error) {
      thrown = error;
    }
    const header = (name: string) => headers[name]?.toString();
    const { answer, status } = reject({ name: path.slice(1), protocol: 'grpc', header }, thrown);
    const head = { ':status': status, 'content-type': 'application/json', 'cache-control': 'no-store' };
    stream.on('error', () => undefined);
    stream.respond({ ...head, ...Object.fromEntries(answer.metadata) });
    stream.end(errorToJsonBytes(answer, undefined));
    stream.resume();
  };
