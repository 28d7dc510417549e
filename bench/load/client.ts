import type { IncomingHttpHeaders } from 'node:http';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import {
  create,
  fromBinary,
  toBinary,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { codeName } from '../../src/rpc/call/access-log.ts';

/**
 * A gRPC client over several HTTP/2 connections, taken in turn. Node's own HTTP/2 and nothing around it: a usual client
 * library takes more CPU for a call than the service does, on the CPUs they share.
 */
export type Client = {
  /** Rejects with a {@link CallFailed}. */
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
    ended: (error: CallFailed) => void,
  ): () => void;
  close(): void;
};

/** How a call ended that did not end well. */
export class CallFailed extends Error {
  readonly code: Code;
  constructor(code: Code, message: string) {
    super(`${codeName(code)}: ${message}`);
    this.code = code;
  }
}

/** `RESOURCE_EXHAUSTED` */
export const codeOf = (error: unknown): string =>
  codeName(error instanceof CallFailed ? error.code : Code.Unknown);

/** @param servers `http://host:port`; each gets `connections` of its own. */
export function createClient(servers: readonly string[], connections: number): Client {
  const channels = Array.from({ length: connections }, () => servers.map(createChannel)).flat();
  let turn = 0;
  const next = () => channels[(turn = (turn + 1) % channels.length)]!;
  const begin = (
    method: DescMethodUnary | DescMethodServerStreaming,
    init: Record<string, unknown>,
    headers: object,
  ) => {
    const stream = next()().request({
      ':method': 'POST',
      ':path': `/${method.parent.typeName}/${method.name}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.end(framed(toBinary(method.input, create(method.input, init))));
    return stream;
  };
  return {
    call: (method, request, deadlineMs = 30_000) =>
      new Promise((resolve, reject) => {
        const stream = begin(method, request, { 'grpc-timeout': `${deadlineMs}m` });
        let answer: Uint8Array | undefined;
        // The server ends the call at its deadline; this is for one that does not.
        const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), deadlineMs + 1_000);
        read(
          stream,
          (message) => (answer = message),
          (failure) => {
            clearTimeout(late);
            if (failure !== null) reject(failure);
            else resolve(fromBinary(method.output, answer!) as never);
          },
        );
      }),
    follow: (method, request, seen, ended) => {
      const stream = begin(method, request, {});
      let left = false;
      read(
        stream,
        (message) => seen(fromBinary(method.output, message) as never),
        (failure) => {
          if (!left) ended(failure ?? new CallFailed(Code.Unknown, 'the stream ended'));
        },
      );
      return () => {
        left = true;
        stream.close(constants.NGHTTP2_CANCEL);
      };
    },
    close: () => channels.forEach((channel) => channel().close()),
  };
}

/** A connection, and another when it breaks. */
function createChannel(server: string): () => ClientHttp2Session {
  let session: ClientHttp2Session | undefined;
  return () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    session = connect(server, { settings: { initialWindowSize: WINDOW } });
    // Its calls say what became of them.
    session.on('error', () => undefined);
    // Load is meant to wait for the server and for nothing else.
    session.on('connect', () => session!.setLocalWindowSize(WINDOW));
    return session;
  };
}

const WINDOW = 16 * 1024 * 1024;

/** Reads a call to its end: each message, then null or why it failed. */
function read(
  stream: ClientHttp2Stream,
  seen: (message: Uint8Array) => void,
  ended: (failure: CallFailed | null) => void,
): void {
  let rest: Buffer = Buffer.alloc(0);
  let status: string | undefined;
  let message = '';
  const note = (headers: IncomingHttpHeaders) => {
    if (headers['grpc-status'] === undefined) return;
    status = String(headers['grpc-status']);
    message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= PREFIX && rest.length >= PREFIX + rest.readUInt32BE(1)) {
      const end = PREFIX + rest.readUInt32BE(1);
      seen(rest.subarray(PREFIX, end));
      rest = rest.subarray(end);
    }
  });
  stream.on('error', () => undefined);
  stream.on('close', () => {
    if (status === '0') return ended(null);
    ended(new CallFailed(status === undefined ? Code.Unavailable : Number(status), message));
  });
}

/** A byte that says the message is not compressed, and its length. */
export const PREFIX = 5;

/** A message as gRPC frames it. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX);
  return frame;
}
