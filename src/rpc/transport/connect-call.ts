import type { IncomingMessage } from 'node:http';
import { createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect';
import {
  createAsyncIterable,
  encodeEnvelope,
  type UniversalServerRequest,
} from '@connectrpc/connect/protocol';
import type { Clock } from '../../db/clock.ts';
import { unaryDeadline } from '../call/deadline.ts';
import { valuesOf, type CallHead, type IncomingCall } from '../call/incoming-call.ts';
import type { MountedRpc } from '../call/mounted-service.ts';
import { decodeRequest } from '../decoding/decode-request.ts';
import { messageOf } from './query.ts';
import { bodyOf, messageIn, mostBytes } from './request-body.ts';
import { timeoutOf } from './timeout-header.ts';
import type { WireFormat } from './wire-format.ts';

/**
 * A call whose request has been read before Connect sees it. Connect itself is handed an empty message: what it refuses
 * on its own it refuses without a reason, and before anybody asks who calls.
 */
type ReadCall = Pick<IncomingCall, 'protocol' | 'header' | 'deadlineMs' | 'decode'>;

const readCallKey = createContextKey<ReadCall | undefined>(undefined);

/** Reads the request; why it cannot be read is told to whoever decodes it, so that the middleware answers and logs it. */
export async function readCall(
  { protocol, header }: CallHead,
  { method }: MountedRpc,
  format: WireFormat,
  request: IncomingMessage,
  query: ReadonlyMap<string, string>,
  clock: Clock,
): Promise<ReadCall> {
  let deadlineMs = Infinity;
  try {
    deadlineMs = clock.monotonic() + (timeoutOf(header, format.timeout) ?? Infinity);
    const isGet = request.method === 'GET';
    const sent = isGet
      ? messageOf(query)
      : await bodyOf(request, mostBytes(format), clock, unaryDeadline(clock, deadlineMs));
    const compression = isGet ? query.get('compression') : header(format.compression);
    let message: Uint8Array | undefined = await messageIn(sent, format, compression);
    const decode = () => {
      const given = message!;
      // A stream knows its call for as long as it lives.
      message = undefined;
      return decodeRequest(method.input, format.codec, given);
    };
    return { protocol, header, deadlineMs, decode };
  } catch (error) {
    const decode = () => {
      throw error;
    };
    return { protocol, header, deadlineMs, decode };
  }
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
      const tell = () => listener('left');
      if (signal.aborted) queueMicrotask(tell);
      else signal.addEventListener('abort', tell, { once: true });
    },
    context: (decided) => ({
      ...context,
      signal: decided.signal,
      timeoutMs: () => decided.leftMs(),
      values: valuesOf(decided),
    }),
  };
}
