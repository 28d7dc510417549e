import type { IncomingHttpHeaders } from 'node:http2';
import type { DescMessage } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { RefusalError } from '../../refusal.ts';
import type { Middleware } from '../call/middleware.ts';
import type { MountedRpc, MountedService } from '../call/mounted-service.ts';
import { binaryOf, type Outgoing } from '../encoding/encoded.ts';
import { GrpcCall } from './grpc-call.ts';
import { framed } from './frame.ts';
import { endWith, refuseInShort } from './grpc-status.ts';
import { sendAll } from './grpc-stream.ts';
import type { CertificateNames } from './certificate-names.ts';
import type { CheckHost } from './host-check.ts';
import type { StreamListener } from './http2-connections.ts';
import * as limits from './limits.ts';
import { unknownMethod, unsupported } from './protocol-errors.ts';
import { keepRoomForCalls } from './room-for-calls.ts';
import { quoted, timeoutOf } from './timeout-header.ts';

const GRPC = /^application\/grpc(\+proto)?(;|$)/i;

/** Whether a stream is a gRPC call; `application/grpc-web` and `application/grpc+json` are none. */
export const isGrpc = (headers: IncomingHttpHeaders): boolean => GRPC.test(headers['content-type'] ?? '');

/** What stands around these calls. */
export type GrpcEdge = { readonly checkHost: CheckHost; readonly namesOf: CertificateNames };

type Route = { readonly rpc: MountedRpc; readonly serve: (call: GrpcCall) => void };

/**
 * gRPC, on streams of node:http2: it costs less than grpc-js, and each call is looked at before any of it is read
 * (docs/decisions/0018-two-http-stacks.md). What no handler gets is refused here, with its reason.
 */
export function createGrpcTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  { checkHost, namesOf }: GrpcEdge,
): StreamListener {
  const { check, slots, reject, clock } = middleware;
  const rpcs = services.flatMap((service) => service.rpcs);
  const routes = new Map<string, Route>(
    rpcs.map((rpc) => [rpc.name, { rpc, serve: serving(rpc, middleware) }]),
  );

  return (stream, headers) => {
    // A caller that leaves before its answer is no failure of ours; that it left is told by `close`.
    stream.on('error', nothing);
    const call = new GrpcCall(stream, headers, namesOf(stream.session!));
    let route: Route | undefined;
    try {
      checkHost(headers[':authority'] ?? headers.host);
      assertPost(headers);
      route = routes.get(call.name);
      if (route === undefined) throw unknownMethod(call.name);
      call.credential = check(route.rpc, call);
      call.deadlineMs = clock.monotonic() + (timeoutOf(call.header, 'grpc-timeout') ?? Infinity);
    } catch (error) {
      return endWith(stream, reject(call, error).answer);
    }
    const { rpc, serve } = route;
    if (rpc.kind !== 'unary') keepRoomForCalls(stream);
    const leave = slots.enter(rpc, {
      connection: stream.session!,
      deadlineMs: call.deadlineMs,
      begin: () => {
        call.rpc = rpc;
        serve(call);
      },
      refuse: (refusal) => refuseInShort(stream, call, refusal),
    });
    stream.once('close', () => {
      leave();
      call.close();
    });
  };
}

const nothing = () => undefined;

function assertPost({ ':method': method = '' }: IncomingHttpHeaders): void {
  if (method !== 'POST')
    throw unsupported('http_method', `an RPC is called by POST, not by ${quoted(method)}`);
}

function serving(rpc: MountedRpc, middleware: Middleware): Route['serve'] {
  const encode = encoder(rpc.method.output);
  if (rpc.kind !== 'unary') return (call) => void sendAll(call, middleware.stream(rpc, call, encode));
  return (call) => {
    middleware.unary(rpc, call, encode).then(
      (answer) => call.answer(answer),
      (error: ConnectError) => call.fail(error),
    );
  };
}

const answerTooLarge = () =>
  new RefusalError({
    reason: 'LIMIT_REACHED',
    message: `the answer is larger than ${limits.SEND_MAX_BYTES} bytes: ask for less at once`,
    metadata: { limit: String(limits.SEND_MAX_BYTES) },
  });

const encoder =
  (schema: DescMessage) =>
  (answer: Outgoing): Buffer => {
    const bytes = binaryOf(schema, answer);
    if (bytes.byteLength > limits.SEND_MAX_BYTES) throw answerTooLarge();
    return framed(bytes);
  };
