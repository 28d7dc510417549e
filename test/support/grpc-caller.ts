import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { grpcFailure, pathOf, serializer } from '../rpc/clients.ts';

/** A gRPC client of any service of ours, over @grpc/grpc-js; refusals are thrown as WireFailure. */
export type GrpcCaller = {
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
  ): Promise<MessageShape<M['output']>>;
  /** Opens a server stream; leaving the loop, or `cancel`, hangs up. */
  follow<M extends DescMethodServerStreaming>(
    method: M,
    request: MessageInitShape<M['input']>,
  ): AsyncGenerator<MessageShape<M['output']>, void, undefined> & { cancel(): void };
  close(): void;
};

async function* messagesOf(call: grpc.ClientReadableStream<unknown>) {
  try {
    for await (const message of call) yield message;
  } catch (error) {
    throw grpcFailure(error as grpc.ServiceError);
  } finally {
    call.cancel();
  }
}

export function grpcCaller(url: string): GrpcCaller {
  const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        const { serialize } = serializer(method.input);
        const { deserialize } = serializer(method.output);
        const deadline = Date.now() + 10_000;
        client.makeUnaryRequest(
          pathOf(method),
          serialize as (value: unknown) => Buffer,
          deserialize,
          request,
          new grpc.Metadata(),
          { deadline },
          (error, response) => (error === null ? resolve(response as never) : reject(grpcFailure(error))),
        );
      }),
    follow: (method, request) => {
      const { serialize } = serializer(method.input);
      const { deserialize } = serializer(method.output);
      const call = client.makeServerStreamRequest(
        pathOf(method),
        serialize as (value: unknown) => Buffer,
        deserialize,
        request,
      );
      return Object.assign(messagesOf(call), { cancel: () => call.cancel() }) as never;
    },
    close: () => client.close(),
  };
}
