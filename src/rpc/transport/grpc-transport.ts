import type { SecureServerOptions } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import {
  Server,
  ServerCredentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import { RefusalError } from '../../refusal.ts';
import { decodeRequest } from '../decoding/decode-request.ts';
import { binaryOf, type Outgoing } from '../encoding/encoded.ts';
import { incomingGrpcCall } from './grpc-call.ts';
import { guard } from './grpc-head.ts';
import { completeOwnStatuses, grpcStatusOf } from './grpc-status.ts';
import { sendAll } from './grpc-stream.ts';
import * as limits from './limits.ts';
import type { CheckHost } from './host-check.ts';
import type { CallHead } from '../call/incoming-call.ts';
import type { Middleware } from '../call/middleware.ts';
import type { MountedRpc, MountedService, StreamRpc, UnaryRpc } from '../call/mounted-service.ts';

/** Gives the request, or throws why the bytes were not one: the middleware answers and logs that. */
type Decoded = () => Message;

/** gRPC over HTTP/2 by grpc-js: four to five times as fast as connect-node at it. */
export type GrpcTransport = {
  /** Takes over a connection that opened with the HTTP/2 preface. */
  accept(connection: Duplex): void;
  /** Tells clients to go elsewhere; connections close when their calls are done, or after `graceMs`. */
  drain(graceMs: number): void;
  destroy(): void;
};

export function createGrpcTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  checkHost: CheckHost,
): GrpcTransport {
  const rpcs = new Map(services.flatMap((service) => service.rpcs.map((rpc) => [rpc.name, rpc])));
  let begun: CallHead;
  const server = new Server({
    interceptors: [completeOwnStatuses(middleware, () => begun)],
    'grpc.max_receive_message_length': limits.READ_MAX_BYTES,
    'grpc.max_send_message_length': limits.SEND_MAX_BYTES,
    'grpc.max_concurrent_streams': limits.MAX_CONCURRENT_CALLS,
    'grpc.max_connection_age_ms': limits.CONNECTION_AGE_MS,
    'grpc.max_connection_idle_ms': limits.CONNECTION_IDLE_MS,
    'grpc.keepalive_time_ms': limits.KEEPALIVE_EVERY_MS,
    'grpc.keepalive_timeout_ms': limits.KEEPALIVE_TIMEOUT_MS,
    // Statistics per call and connection that nothing here reads.
    'grpc.enable_channelz': 0,
  });
  bearRejectedStreams(server);
  for (const rpc of rpcs.values()) register(server, rpc, middleware);
  guard(server, rpcs, middleware, checkHost, (head) => (begun = head));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    accept: (connection) => injector.injectConnection(connection),
    drain: (graceMs) => injector.drain(graceMs),
    destroy: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

/**
 * Node counts a stream for a turn of the loop after it has ended. So of a client that has as many open as it may, cancels
 * some and opens others at once, it resets the others (ENHANCE_YOUR_CALM, which is RESOURCE_EXHAUSTED to gRPC: nothing was
 * begun), and after a hundred of them the whole connection. The resets stay with the crowd that they come from; to cut
 * it off would fail calls that are under way.
 */
function bearRejectedStreams(server: Server): void {
  const { commonServerOptions } = server as unknown as { commonServerOptions: SecureServerOptions };
  commonServerOptions.maxSessionRejectedStreams = 2 ** 31 - 1;
}

// grpc-js needs no generated code: a path, two functions and the kind of call are all there is to it.
function register(server: Server, rpc: MountedRpc, middleware: Middleware): void {
  const { input, output } = rpc.method;
  const encode = encoder(output);
  const add = (handler: HandleCall, kind: string) =>
    void server.register(`/${rpc.name}`, handler, (bytes: Buffer) => bytes, decoder(input), kind);
  switch (rpc.kind) {
    case 'unary':
      return add(unary(rpc, middleware, encode), 'unary');
    case 'server_streaming':
      return add(serverStream(rpc, middleware, encode), 'serverStream');
    case 'bidi_streaming':
      return add(bidiStream(rpc, middleware, encode), 'bidi');
  }
}

type HandleCall =
  | handleUnaryCall<Decoded, Buffer>
  | handleServerStreamingCall<Decoded, Buffer>
  | handleBidiStreamingCall<Decoded, Buffer>;
type Encode = (answer: Outgoing) => Buffer;

const unary =
  (rpc: UnaryRpc, middleware: Middleware, encode: Encode): handleUnaryCall<Decoded, Buffer> =>
  (carried, respond) => {
    const call = incomingGrpcCall(carried, rpc, carried.request, middleware.clock);
    const answer = (bytes: Buffer) => {
      call.sendHeader();
      respond(null, bytes, call.trailer());
    };
    middleware.unary(rpc, call, encode).then(answer, (error: ConnectError) => respond(grpcStatusOf(error)));
  };

const serverStream =
  (rpc: StreamRpc, middleware: Middleware, encode: Encode): handleServerStreamingCall<Decoded, Buffer> =>
  (carried) => {
    const call = incomingGrpcCall(carried, rpc, carried.request, middleware.clock);
    void sendAll(carried, call, middleware.stream(rpc, call, encode));
  };

const bidiStream =
  (rpc: StreamRpc, middleware: Middleware, encode: Encode): handleBidiStreamingCall<Decoded, Buffer> =>
  (carried) => {
    const call = incomingGrpcCall(carried, rpc, () => requestsOf(carried), middleware.clock);
    void sendAll(carried, call, middleware.stream(rpc, call, encode));
  };

async function* requestsOf(call: Parameters<handleBidiStreamingCall<Decoded, Buffer>>[0]) {
  // Not destroyed on return: the other direction is still being written.
  for await (const decoded of call.iterator({ destroyOnReturn: false })) yield (decoded as Decoded)();
}

// Decoded here and not later, and given away once, because grpc-js keeps what this returns for as long as a stream lives
// and longer: the bytes would pin the whole network buffer they are a part of.
const decoder =
  (schema: DescMessage) =>
  (bytes: Buffer): Decoded => {
    try {
      let message: Message | undefined = decodeRequest(schema, 'proto', bytes);
      return () => {
        const given = message!;
        message = undefined;
        return given;
      };
    } catch (error) {
      return () => {
        throw error;
      };
    }
  };

// grpc-js would say the same of itself, in words that take the answer for a request.
const answerTooLarge = () =>
  new RefusalError({
    reason: 'LIMIT_REACHED',
    message: `the answer is larger than ${limits.SEND_MAX_BYTES} bytes: ask for less at once`,
    metadata: { limit: String(limits.SEND_MAX_BYTES) },
  });

const encoder =
  (schema: DescMessage): Encode =>
  (answer) => {
    const bytes = binaryOf(schema, answer);
    if (bytes.byteLength > limits.SEND_MAX_BYTES) throw answerTooLarge();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
