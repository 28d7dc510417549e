import type { IncomingMessage } from 'node:http';
import type { Message } from '@bufbuild/protobuf';
import { createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect';
import {
  createAsyncIterable,
  encodeEnvelope,
  type UniversalServerRequest,
} from '@connectrpc/connect/protocol';
import type { Clock } from '../../db/clock.ts';
import { valuesOf, type CallHead, type IncomingCall } from '../call/incoming-call.ts';
import type { MountedRpc } from '../call/mounted-service.ts';
import { decodeRequest } from '../decoding/decode-request.ts';
import { messagesOf } from './grpc-request.ts';
import { messageOf } from './query.ts';
import { READ_MAX_BYTES } from './limits.ts';
import { tooLarge } from './protocol-errors.ts';
import { bodyOf, messageIn, mostBytes } from './request-body.ts';
import { deadlineIn, timeoutOf } from './timeout-header.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * A call whose request has been read before Connect sees it. Connect itself is handed an empty message: what it refuses
 * on its own it refuses without a reason, and before anybody asks who calls.
 */
type ReadCall = Omit<IncomingCall, 'onHangUp' | 'context'>;

const readCallKey = createContextKey<ReadCall | undefined>(undefined);

/** The head of a call, and who it says calls. */
type CheckedHead = CallHead & Pick<IncomingCall, 'credential'>;

/** What is wrong with a request is told to whoever decodes it, so that the middleware answers and logs it. */
export function readCall(
  head: CheckedHead,
  { method, kind }: MountedRpc,
  format: WireFormat,
  request: IncomingMessage,
  query: ReadonlyMap<string, string>,
  clock: Clock,
): ReadCall {
  const { header } = head;
  const deadlineMs = deadlineIn(head, format.timeout, clock);
  if (kind === 'bidi_streaming') {
    async function* decode() {
      timeoutOf(header, format.timeout);
      const decoded = (bytes: Uint8Array) => decodeRequest(method.input, format.codec, bytes);
      yield* messagesOf(request, header(format.compression), decoded);
    }
    return { ...head, deadlineMs, decode };
  }
  const isGet = request.method === 'GET';
  // Begun at once: a body that breaks off before anybody asks for it must not be taken for one that still comes.
  let body = isGet ? undefined : sent(request, mostBytes(format));
  const decode = async (): Promise<Message> => {
    timeoutOf(header, format.timeout);
    const bytes = body === undefined ? messageOf(query) : await body;
    // A stream knows its call for as long as it lives.
    body = undefined;
    const compression = isGet ? query.get('compression') : header(format.compression);
    return decodeRequest(method.input, format.codec, await messageIn(bytes, format, compression));
  };
  return { ...head, deadlineMs, decode };
}

function sent(request: IncomingMessage, most: number): Promise<Buffer> {
  // Nobody need send all of it to hear that it is too much.
  const isTooMuch = Number(request.headers['content-length'] ?? 0) > most;
  const body = isTooMuch ? Promise.reject<Buffer>(tooLarge(READ_MAX_BYTES)) : bodyOf(request, most);
  // Why it cannot be read is told to whoever asks for it, if anybody does.
  body.catch(() => undefined);
  return body;
}

const EMPTY = { json: new TextEncoder().encode('{}'), proto: new Uint8Array() };

/** The request as Connect gets it: an empty message, and of its headers none that could be refused. */
export function forConnect(
  request: UniversalServerRequest,
  format: WireFormat,
  call: ReadCall,
): UniversalServerRequest {
  const { header } = request;
  for (const name of [format.timeout, format.compression, 'content-length']) header.delete(name);
  header.set('content-type', format.contentType);
  const empty = EMPTY[format.codec];
  const body = createAsyncIterable([format.framed ? encodeEnvelope(0, empty) : empty]);
  const contextValues = createContextValues().set(readCallKey, call);
  return { ...request, method: 'POST', body, contextValues };
}

/** A call that Connect carries, as the middleware takes it. */
export function incomingConnectCall(context: HandlerContext): IncomingCall {
  const { signal } = context;
  const call = context.values.get(readCallKey);
  if (call === undefined) throw new Error('invariant: Connect was handed a request that nobody has read');
  return {
    ...call,
    // Connect aborts the signal when a call is over, too; the middleware has stopped listening by then.
    onHangUp: (listener) => {
      if (signal.aborted) queueMicrotask(listener);
      else signal.addEventListener('abort', listener, { once: true });
    },
    context: (decided) => ({
      ...context,
      signal: decided.signal,
      timeoutMs: () => decided.leftMs(),
      values: valuesOf(decided),
    }),
  };
}
