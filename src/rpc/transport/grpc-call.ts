import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Message } from '@bufbuild/protobuf';
import type { ConnectError, HandlerContext } from '@connectrpc/connect';
import { REQUEST_ID } from '../call/errors.ts';
import { requestIdFor, valuesOf, type DecidedCall, type IncomingCall } from '../call/incoming-call.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { MountedRpc } from '../call/mounted-service.ts';
import { decodeRequest } from '../decoding/decode-request.ts';
import { ANSWER_HEAD, endWith, OK_TRAILERS, trailersOf } from './grpc-status.ts';
import { messageOf, messagesOf } from './grpc-request.ts';

/**
 * One gRPC call, which is one stream of HTTP/2: as the middleware takes it, and how it is answered. A class, because there
 * is one for each call: as closures all that it can do would be made each time.
 */
export class GrpcCall implements IncomingCall {
  readonly protocol = 'grpc';
  readonly name: string;
  readonly requestId: string;
  readonly certificateNames: readonly string[];
  readonly header: IncomingCall['header'];
  deadlineMs = Infinity;
  /** What it calls, and who does, once its head has been checked. */
  rpc!: MountedRpc;
  credential!: Credential;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #context: GrpcContext | undefined;
  #hangUp: (() => void) | undefined;
  #trailers: OutgoingHttpHeaders = OK_TRAILERS;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, certificateNames: readonly string[]) {
    this.#stream = stream;
    this.#headers = headers;
    this.name = (headers[':path'] ?? '').slice(1);
    this.header = (name) => headers[name]?.toString();
    this.requestId = requestIdFor(this.header(REQUEST_ID));
    this.certificateNames = certificateNames;
  }

  decode(): Promise<Message> | AsyncIterable<Message> {
    const { method, kind } = this.rpc;
    const compression = this.header('grpc-encoding');
    const decoded = (bytes: Uint8Array) => decodeRequest(method.input, 'proto', bytes);
    return kind === 'bidi_streaming'
      ? messagesOf(this.#stream, compression, decoded)
      : messageOf(this.#stream, compression).then(decoded);
  }

  onHangUp(listener: () => void): void {
    this.#hangUp = listener;
  }

  context(decided: DecidedCall): HandlerContext {
    return (this.#context = new GrpcContext(this.rpc.method, this.#headers, decided));
  }

  /** Whether nobody reads what is sent any more. */
  get isClosed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Tells whoever works on it that its stream is over, answered or not. */
  close(): void {
    this.#hangUp?.();
  }

  /** Sends the one message of its answer, and ends it. */
  answer(frame: Buffer): void {
    if (this.isClosed) return;
    this.#begin();
    this.#stream.end(frame);
  }

  /** Sends one message of many; `sent` is called when the network has it, or will never. */
  send(frame: Buffer, sent: () => void): void {
    if (!this.#stream.headersSent) this.#begin();
    this.#stream.write(frame, sent);
  }

  /** Ends a stream that went well. */
  end(): void {
    if (this.isClosed) return;
    if (!this.#stream.headersSent) this.#begin();
    this.#stream.end();
  }

  fail(error: ConnectError): void {
    if (this.isClosed) return;
    const { setHeader, setTrailer } = this.#context ?? {};
    if (!this.#stream.headersSent) {
      if (setHeader === undefined) return endWith(this.#stream, error, setTrailer && asSent(setTrailer));
      this.#begin();
    }
    this.#trailers = trailersOf(error);
    this.#stream.end();
  }

  #begin(): void {
    const context = this.#context!;
    const head: OutgoingHttpHeaders = { ...ANSWER_HEAD, [REQUEST_ID]: this.requestId };
    if (context.setHeader !== undefined) Object.assign(head, asSent(context.setHeader));
    this.#stream.respond(head, { waitForTrailers: true });
    this.#stream.once('wantTrailers', () => {
      const { setTrailer } = context;
      this.#stream.sendTrailers(
        setTrailer === undefined ? this.#trailers : { ...asSent(setTrailer), ...this.#trailers },
      );
    });
  }
}

const asSent = (headers: Headers): OutgoingHttpHeaders => Object.fromEntries(headers);

/**
 * Connect's context of a call. Headers are made where a handler asks for them: it costs as much as half of the call to make
 * them for everyone. A class, because an object with getters of its own takes ten times as long to make.
 */
class GrpcContext implements HandlerContext {
  readonly service: HandlerContext['service'];
  readonly method: HandlerContext['method'];
  readonly timeoutMs: HandlerContext['timeoutMs'];
  readonly protocolName = 'grpc';
  readonly requestMethod = 'POST';
  readonly #headers: IncomingHttpHeaders;
  readonly #decided: DecidedCall;
  #values: HandlerContext['values'] | undefined;
  setHeader: Headers | undefined;
  setTrailer: Headers | undefined;

  constructor(method: MountedRpc['method'], headers: IncomingHttpHeaders, decided: DecidedCall) {
    this.#headers = headers;
    this.#decided = decided;
    this.method = method;
    this.service = method.parent;
    this.timeoutMs = () => decided.leftMs();
  }

  get signal() {
    return this.#decided.signal;
  }

  get values() {
    return (this.#values ??= valuesOf(this.#decided));
  }

  get url() {
    const { ':scheme': scheme = 'http', ':authority': authority = '', ':path': path = '' } = this.#headers;
    return `${scheme}://${authority}${path}`;
  }

  get requestHeader() {
    return headersOf(this.#headers);
  }

  get responseHeader() {
    return (this.setHeader ??= new Headers());
  }

  get responseTrailer() {
    return (this.setTrailer ??= new Headers());
  }
}

function headersOf(received: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received))
    if (value !== undefined && !name.startsWith(':')) headers.set(name, value.toString());
  return headers;
}
