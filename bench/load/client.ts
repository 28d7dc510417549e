import {
  create,
  fromBinary,
  toBinary,
  type DescMethodUnary,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { DescMethodServerStreaming, MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';

/** A gRPC client as callers have it: @grpc/grpc-js over several HTTP/2 connections, taken in turn. */
export type Client = {
  /** Rejects with a grpc.ServiceError. */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    deadlineMs?: number,
  ): Promise<MessageShape<M['output']>>;
  /** Tells `seen` each message until the returned function is called, and `ended` why it ended if it does before. */
  follow<M extends DescMethodServerStreaming>(
    method: M,
    request: MessageInitShape<M['input']>,
    seen: (message: MessageShape<M['output']>) => void,
    ended: (error: grpc.ServiceError) => void,
  ): () => void;
  close(): void;
};

/** @param servers `http://host:port`; each gets `connections` of its own. */
export function createClient(servers: readonly string[], connections: number): Client {
  const channels = Array.from({ length: connections }, () =>
    servers.map(
      (server) =>
        new grpc.Client(new URL(server).host, grpc.credentials.createInsecure(), {
          // Without it clients of one address would share one connection.
          'grpc.use_local_subchannel_pool': 1,
        }),
    ),
  ).flat();
  let turn = 0;
  const next = () => channels[(turn = (turn + 1) % channels.length)]!;
  const write = (method: DescMethodUnary | DescMethodServerStreaming) => (init: Record<string, unknown>) =>
    Buffer.from(toBinary(method.input, create(method.input, init)));
  const pathOf = (method: DescMethodUnary | DescMethodServerStreaming) =>
    `/${method.parent.typeName}/${method.name}`;
  return {
    call: (method, request, deadlineMs = 30_000) =>
      new Promise((resolve, reject) => {
        next().makeUnaryRequest(
          pathOf(method),
          write(method) as (value: unknown) => Buffer,
          (bytes) => fromBinary(method.output, bytes),
          request,
          new grpc.Metadata(),
          { deadline: Date.now() + deadlineMs },
          (error, response) => (error === null ? resolve(response as never) : reject(error)),
        );
      }),
    follow: (method, request, seen, ended) => {
      const call = next().makeServerStreamRequest(
        pathOf(method),
        write(method) as (value: unknown) => Buffer,
        (bytes) => fromBinary(method.output, bytes),
        request,
      );
      call.on('data', (message: unknown) => seen(message as never));
      call.on('error', (error) => ended(error as grpc.ServiceError));
      return () => call.cancel();
    },
    close: () => channels.forEach((channel) => channel.close()),
  };
}

/** `RESOURCE_EXHAUSTED` */
export const codeOf = (error: unknown): string =>
  grpc.status[(error as Partial<grpc.ServiceError>).code ?? grpc.status.UNKNOWN];
