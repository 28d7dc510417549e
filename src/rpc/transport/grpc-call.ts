import type { EventEmitter } from 'node:events';
import type { HandlerContext } from '@connectrpc/connect';
import { Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { processTime, type Clock } from '../../db/clock.ts';
import { isLate } from '../call/deadline.ts';
import { valuesOf, type DecidedCall, type IncomingCall } from '../call/incoming-call.ts';
import type { MountedRpc } from '../call/mounted-service.ts';

/** What every kind of call that grpc-js hands out has in common. */
export type GrpcCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'getDeadline' | 'getHost' | 'getPath' | 'sendMetadata'
> &
  Pick<EventEmitter, 'once'>;

/** A grpc-js call as the middleware takes it. */
export type IncomingGrpcCall = IncomingCall & {
  /** Sends the headers that the handler has set, if any; before the first message. */
  sendHeader(): void;
  /** The trailers it has set, if any. */
  trailer(): Metadata | undefined;
};

/**
 * The other half of the adapter that serves Connect's implementations by grpc-js: the call, and Connect's context. Headers
 * are made where a handler asks for them: it costs as much as half of the call to make them for everyone.
 */
export function incomingGrpcCall(
  call: GrpcCall,
  { method }: MountedRpc,
  decode: IncomingCall['decode'],
  clock: Clock,
): IncomingGrpcCall {
  const deadline = Number(call.getDeadline());
  let context: GrpcContext | undefined;
  return {
    protocol: 'grpc',
    deadlineMs: clock.monotonic() + deadline - processTime(),
    decode,
    header: (name) => call.metadata.get(name)[0]?.toString(),
    // grpc-js answers at the deadline by itself, and does not tell that from a cancel.
    onHangUp: (listener) => void call.once('cancelled', () => listener(isLate(deadline) ? 'late' : 'left')),
    context: (decided) => (context = new GrpcContext(call, method, decided)),
    sendHeader: () => {
      if (context?.setHeader !== undefined) call.sendMetadata(metadataOf(context.setHeader));
    },
    trailer: () => context?.setTrailer && metadataOf(context.setTrailer),
  };
}

/** A class, because an object with getters of its own takes ten times as long to make. */
class GrpcContext implements HandlerContext {
  readonly service: HandlerContext['service'];
  readonly method: HandlerContext['method'];
  readonly timeoutMs: HandlerContext['timeoutMs'];
  readonly protocolName = 'grpc';
  readonly requestMethod = 'POST';
  readonly #call: GrpcCall;
  readonly #decided: DecidedCall;
  #values: HandlerContext['values'] | undefined;
  setHeader: Headers | undefined;
  setTrailer: Headers | undefined;

  constructor(call: GrpcCall, method: MountedRpc['method'], decided: DecidedCall) {
    this.#call = call;
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
    return `http://${this.#call.getHost()}${this.#call.getPath()}`;
  }

  get requestHeader() {
    return headersOf(this.#call.metadata);
  }

  get responseHeader() {
    return (this.setHeader ??= new Headers());
  }

  get responseTrailer() {
    return (this.setTrailer ??= new Headers());
  }
}

function headersOf(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(metadata.getMap()))
    headers.set(name, typeof value === 'string' ? value : value.toString('base64'));
  return headers;
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers)
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return metadata;
}
