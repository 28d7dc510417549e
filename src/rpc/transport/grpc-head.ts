import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ConnectError } from '@connectrpc/connect';
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { Server } from '@grpc/grpc-js';
import type { RefusalError } from '../../refusal.ts';
import { connectErrorOf, REQUEST_ID } from '../call/errors.ts';
import { requestIdOf, type CallHead } from '../call/incoming-call.ts';
import { grpcStatusOf } from './grpc-status.ts';
import type { CheckHost } from './host-check.ts';
import { unknownMethod, unsupported } from './protocol-errors.ts';
import type { Middleware } from '../call/middleware.ts';
import type { MountedRpc } from '../call/mounted-service.ts';
import { keepRoomForCalls } from './room-for-calls.ts';
import { quoted, timeoutOf } from './timeout-header.ts';

/** What grpc-js takes for gRPC is more: it would read gRPC-Web and JSON as protobuf. */
const GRPC = /^application\/grpc(\+proto)?(;|$)/i;

/** How grpc-js begins a stream; no way of its public ones comes before it. */
type StreamHandler = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

const STREAM_HANDLER = '_streamHandler';

/**
 * Looks at every stream of HTTP/2 before grpc-js does, and rejects what no handler gets. Here because grpc-js has no
 * place for it: it refuses by itself, without a reason, and asks nobody before it has read a request.
 * The head of the stream that is being begun is given to `begin`, at once.
 */
export function guard(
  server: Server,
  rpcs: ReadonlyMap<string, MountedRpc>,
  { check, slots, reject, clock }: Middleware,
  checkHost: CheckHost,
  begin: (head: CallHead) => void,
): void {
  const inside = server as unknown as { [STREAM_HANDLER]: StreamHandler };
  const serve = inside[STREAM_HANDLER].bind(server);
  inside[STREAM_HANDLER] = (interceptors, stream, headers) => {
    const head = headOf(headers);
    let rpc: MountedRpc | undefined;
    let timeoutMs: number | undefined;
    try {
      checkHost(headers[':authority'] ?? headers.host);
      assertGrpc(headers);
      rpc = rpcs.get(head.name);
      if (rpc === undefined) throw unknownMethod(head.name);
      check(rpc, head);
      timeoutMs = capTimeout(headers, head);
    } catch (error) {
      const { answer, status } = reject(head, error);
      return isGrpc(headers) ? endWith(stream, answer) : endWithJson(stream, status, answer);
    }
    if (rpc.kind !== 'unary') keepRoomForCalls(stream);
    const cameMs = clock.monotonic();
    const leave = slots.enter(rpc, {
      connection: stream.session!,
      deadlineMs: cameMs + (timeoutMs ?? Infinity),
      begin: () => {
        const waitedMs = Math.round(clock.monotonic() - cameMs);
        // grpc-js counts from now on.
        if (waitedMs > 0 && timeoutMs !== undefined && timeoutMs < LONG_MS)
          headers['grpc-timeout'] = `${Math.max(0, Math.round(timeoutMs) - waitedMs)}m`;
        begin(head);
        serve(interceptors, stream, headers);
      },
      refuse: (refusal) => turnAway(stream, head, refusal),
    });
    stream.once('close', leave);
  };
}

const headOf = (headers: IncomingHttpHeaders): CallHead => ({
  name: (headers[':path'] ?? '').slice(1),
  protocol: 'grpc',
  header: (name) => headers[name]?.toString(),
});

const isGrpc = (headers: IncomingHttpHeaders) => GRPC.test(headers['content-type'] ?? '');

function assertGrpc(headers: IncomingHttpHeaders): void {
  const { ':method': method = '', 'content-type': contentType } = headers;
  if (!isGrpc(headers)) {
    const said = contentType === undefined ? 'nothing' : quoted(contentType);
    throw unsupported(
      'content_type',
      `over HTTP/2 this port speaks gRPC, whose content-type is application/grpc, not ${said}; JSON is for HTTP/1.1`,
    );
  }
  if (method !== 'POST')
    throw unsupported('http_method', `an RPC is called by POST, not by ${quoted(method)}`);
}

// grpc-js counts in 32 bits: a deadline in a month would have passed already.
function capTimeout(headers: IncomingHttpHeaders, { header }: CallHead): number | undefined {
  const timeoutMs = timeoutOf(header, 'grpc-timeout');
  if (timeoutMs !== undefined && timeoutMs >= LONG_MS)
    headers['grpc-timeout'] = `${Math.floor(timeoutMs / 1_000)}S`;
  return timeoutMs;
}

const LONG_MS = 1_000_000_000;

const endWith = (stream: ServerHttp2Stream, answer: ConnectError): void => end(stream, headersOf(answer));

/** An answer that is a status and nothing else. */
function headersOf(answer: ConnectError): OutgoingHttpHeaders {
  const { code, details, metadata } = grpcStatusOf(answer);
  return {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    ...metadata.toHttp2Headers(),
  };
}

const turnedAway = new WeakMap<RefusalError, OutgoingHttpHeaders>();

/** Refuses what gets no slot. Ten times as many of these are answered as of all others when it matters. */
function turnAway(stream: ServerHttp2Stream, head: CallHead, refusal: RefusalError): void {
  let headers = turnedAway.get(refusal);
  if (headers === undefined) turnedAway.set(refusal, (headers = headersOf(connectErrorOf(refusal.refusal))));
  end(stream, { ...headers, [REQUEST_ID]: requestIdOf(head) });
}

function endWithJson(stream: ServerHttp2Stream, status: number, answer: ConnectError): void {
  const headers = { ':status': status, 'content-type': 'application/json', 'cache-control': 'no-store' };
  end(stream, { ...headers, ...Object.fromEntries(answer.metadata) }, errorToJsonBytes(answer, undefined));
}

function end(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders, body?: Uint8Array): void {
  // A caller that left before its answer is no failure of ours.
  stream.on('error', () => undefined);
  stream.respond(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  // What it still sends nobody reads.
  stream.resume();
}
