import { getCACertificates } from 'node:tls';
import {
  create,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type JsonValue,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { errorFromJson } from '@connectrpc/connect/protocol-connect';
import * as grpc from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '#gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '#gen/google/rpc/status_pb.ts';
import { codeName } from '../../src/rpc/call/access-log.ts';
import { Probe, type ProbeResponse, type ProbeRequestSchema } from './probe.ts';

export type CallOptions = {
  token?: string;
  requestId?: string;
  /** On whose behalf. */
  actor?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Told of the headers and trailers of the answer. */
  hear?: (name: string, value: string) => void;
};
type Request = MessageInitShape<typeof ProbeRequestSchema>;

/** One protocol's way to call the probe. Failures are thrown as {@link WireFailure}. */
export type WireClient = {
  unary(rpc: 'read' | 'write', request: Request, options?: CallOptions): Promise<ProbeResponse>;
  follow(request: Request, options?: CallOptions): AsyncIterable<ProbeResponse>;
  close(): void;
};

/** What a caller can tell from a failure, the same on every protocol. */
export class WireFailure extends Error {
  readonly seen: Readonly<Record<string, unknown>>;
  constructor(error: ConnectError) {
    super(error.message);
    const [info] = error.findDetails(ErrorInfoSchema);
    const [bad] = error.findDetails(BadRequestSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    this.seen = {
      code: codeName(error.code),
      message: error.rawMessage,
      ...(info && { reason: info.reason, domain: info.domain, metadata: info.metadata }),
      ...(bad && { violations: bad.fieldViolations.map((v) => [v.field, v.reason, v.description]) }),
      ...(retry?.retryDelay && {
        retryMs: Number(retry.retryDelay.seconds) * 1e3 + retry.retryDelay.nanos / 1e6,
      }),
    };
  }
}

/** What a promise failed with, as its caller sees it. */
export async function failureOf(call: Promise<unknown>): Promise<Readonly<Record<string, unknown>>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof WireFailure) return error.seen;
    throw error;
  }
  throw new Error('the call succeeded');
}

/** All messages of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

export const protocols = {
  'gRPC (grpc-js)': grpcClient,
  'gRPC-Web (connect-node)': connectNodeClient((baseUrl) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  ),
  'gRPC-Web over HTTP/2 (connect-node)': connectNodeClient((baseUrl, sessionManager) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '2', sessionManager }),
  ),
  'Connect over HTTP/2 (connect-node)': connectNodeClient((baseUrl, sessionManager) =>
    createConnectTransport({ baseUrl, httpVersion: '2', sessionManager, useBinaryFormat: true }),
  ),
  'Connect JSON (fetch)': jsonClient,
} satisfies Record<string, (url: string) => WireClient>;

const headersOf = ({ token, requestId, actor }: CallOptions) => ({
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
  ...(actor === undefined ? {} : { 'credit-ledger-actor': actor }),
});

export const serializer = <S extends DescMessage>(schema: S) => ({
  serialize: (init: MessageInitShape<S>) => Buffer.from(toBinary(schema, create(schema, init))),
  deserialize: (bytes: Buffer) => fromBinary(schema, bytes),
});
export const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

export function grpcFailure(error: grpc.ServiceError): WireFailure {
  const failure = new ConnectError(error.details, error.code as number);
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  if (bytes instanceof Buffer)
    failure.details = fromBinary(StatusSchema, bytes).details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
      value,
    }));
  return new WireFailure(failure);
}

function grpcOptions({ timeoutMs, ...options }: CallOptions) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headersOf(options))) metadata.set(name, value);
  return { metadata, options: timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs } };
}

function hearAll(
  call: grpc.ClientUnaryCall | grpc.ClientReadableStream<unknown>,
  { hear }: CallOptions,
): void {
  const tell = (told: grpc.Metadata) =>
    Object.entries(told.getMap()).forEach(([name, value]) => hear?.(name, value.toString()));
  call.on('metadata', tell).on('status', (status: grpc.StatusObject) => tell(status.metadata));
}

// It has roots of its own, whatever this process trusts.
const trusted = () => Buffer.from(getCACertificates().join('\n'));

function grpcClient(url: string): WireClient {
  const { host, port, protocol } = new URL(url);
  const client =
    protocol === 'https:'
      ? new grpc.Client(`localhost:${port}`, grpc.credentials.createSsl(trusted()))
      : new grpc.Client(host, grpc.credentials.createInsecure());
  return {
    unary: (rpc, request, more = {}) =>
      new Promise((resolve, reject) => {
        const method = Probe.method[rpc];
        const { metadata, options } = grpcOptions(more);
        const { serialize } = serializer(method.input);
        const { deserialize } = serializer(method.output);
        const call = client.makeUnaryRequest(
          pathOf(method),
          serialize,
          deserialize,
          request,
          metadata,
          options,
          (error, response) =>
            error === null ? resolve(response as ProbeResponse) : reject(grpcFailure(error)),
        );
        more.signal?.addEventListener('abort', () => call.cancel());
        hearAll(call, more);
      }),
    async *follow(request, more = {}) {
      const method = Probe.method.follow;
      const { metadata, options } = grpcOptions(more);
      const { serialize } = serializer(method.input);
      const { deserialize } = serializer(method.output);
      const call = client.makeServerStreamRequest(
        pathOf(method),
        serialize,
        deserialize,
        request,
        metadata,
        options,
      );
      more.signal?.addEventListener('abort', () => call.cancel());
      hearAll(call, more);
      try {
        for await (const response of call) yield response as ProbeResponse;
      } catch (error) {
        throw grpcFailure(error as grpc.ServiceError);
      } finally {
        call.cancel();
      }
    },
    close: () => client.close(),
  };
}

const translate = (error: unknown) => new WireFailure(ConnectError.from(error));
const optionsOf = ({ timeoutMs, signal, hear, ...more }: CallOptions) => ({
  headers: headersOf(more),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
  ...(signal === undefined ? {} : { signal }),
  onHeader: (headers: Headers) => headers.forEach((value, name) => hear?.(name, value)),
  onTrailer: (trailers: Headers) => trailers.forEach((value, name) => hear?.(name, value)),
});

function connectNodeClient(transportTo: (url: string, sessions: Http2SessionManager) => Transport) {
  return (url: string): WireClient => {
    const sessions = new Http2SessionManager(url);
    const client = createClient(Probe, transportTo(url, sessions));
    return {
      unary: (rpc, request, more = {}) =>
        client[rpc](request, optionsOf(more)).catch((error: unknown) => {
          throw translate(error);
        }),
      async *follow(request, more = {}) {
        try {
          yield* client.follow(request, optionsOf(more));
        } catch (error) {
          throw translate(error);
        }
      },
      close: () => sessions.abort(),
    };
  };
}

const jsonBytes = <S extends DescMessage>(schema: S, init: MessageInitShape<S>) =>
  new TextEncoder().encode(JSON.stringify(toJson(schema, create(schema, init))));

function jsonClient(url: string): WireClient {
  const post = (
    method: DescMethod,
    contentType: string,
    body: Uint8Array<ArrayBuffer>,
    options: CallOptions,
  ) =>
    fetch(url + pathOf(method), {
      method: 'POST',
      body,
      signal: options.signal ?? null,
      headers: {
        'content-type': contentType,
        ...headersOf(options),
        ...(options.timeoutMs === undefined ? {} : { 'connect-timeout-ms': String(options.timeoutMs) }),
      },
    });
  return {
    async unary(rpc, request, options = {}) {
      const method = Probe.method[rpc];
      const response = await post(method, 'application/json', jsonBytes(method.input, request), options);
      response.headers.forEach((value, name) => options.hear?.(name, value));
      const json = (await response.json()) as JsonValue;
      if (response.ok) return fromJson(method.output, json);
      throw jsonFailure(json);
    },
    async *follow(request, options = {}) {
      const method = Probe.method.follow;
      const body = envelope(jsonBytes(method.input, request));
      const response = await post(method, 'application/connect+json', body, options);
      response.headers.forEach((value, name) => options.hear?.(name, value));
      for await (const { isEnd, json } of envelopesOf(response.body ?? [])) {
        if (!isEnd) yield fromJson(method.output, json);
        else if (typeof json === 'object' && json !== null && 'error' in json)
          throw jsonFailure(json['error'] ?? null);
      }
    },
    close: () => {},
  };
}

export const jsonFailure = (json: JsonValue) =>
  new WireFailure(errorFromJson(json, undefined, new ConnectError(JSON.stringify(json), Code.Unknown)));

function envelope(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(5 + data.length);
  bytes.writeUInt32BE(data.length, 1);
  bytes.set(data, 5);
  return bytes;
}

async function* envelopesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  let buffer: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 5 && buffer.length >= 5 + buffer.readUInt32BE(1)) {
      const end = 5 + buffer.readUInt32BE(1);
      const json = JSON.parse(buffer.subarray(5, end).toString()) as JsonValue;
      yield { isEnd: (buffer[0] ?? 0) === 2, json };
      buffer = buffer.subarray(end);
    }
  }
}
