import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { DescService, Message } from '@bufbuild/protobuf';
import { createConnectRouter, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import {
  createAsyncIterable,
  encodeEnvelope,
  type UniversalHandler,
  type UniversalServerRequest,
} from '@connectrpc/connect/protocol';
import { processTime } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import { answerRefusal } from './answer-refusal.ts';
import { handOver, incomingConnectCall, type Handover } from './connect-call.ts';
import { unaryDeadline } from '../call/deadline.ts';
import { decodeRequest } from '../decoding/decode-request.ts';
import { dialectOf, type Dialect } from '../decoding/dialect.ts';
import type { CheckName } from './local-names.ts';
import { malformed } from './malformed.ts';
import type { Middleware } from '../call/middleware.ts';
import { unknownMethod, type MountedRpc, type MountedService } from '../call/mounted-service.ts';
import { messageOf, queryOf } from './query.ts';
import { bodyOf, messageIn, mostBytes } from './request-body.ts';
import { timeoutOf } from './timeout-header.ts';

type Route = { readonly method: MountedRpc; readonly handler: UniversalHandler };

/**
 * The Connect protocol (so that curl works) and gRPC-Web. A request is read here and answered by Connect, which is
 * handed an empty message in its place: see {@link Handover}.
 * `fallback` answers requests for paths that are no RPC.
 */
export function createConnectTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  checkName: CheckName,
  log: Log,
  fallback?: RequestListener,
): RequestListener {
  const routes = routesOf(services, middleware);

  async function answerTo(request: IncomingMessage, response: ServerResponse) {
    const { pathname, contentType } = headOf(request);
    const protocol = contentType.startsWith('application/grpc-web') ? 'grpc-web' : 'connect';
    const header = (name: string) => request.headers[name]?.toString();
    try {
      checkName(request.headers.host);
      const route = routes.get(pathname);
      if (route === undefined) {
        if (fallback === undefined) throw unknownMethod(pathname.slice(1));
        fallback(request, response);
        return undefined;
      }
      middleware.check(route.method, { header });
      const universal = toUniversal(request, response);
      const query = queryOf(request.url ?? '');
      const dialect = dialectOf(route.method, { httpMethod: request.method ?? '', contentType, query });
      const handover = await read(route.method, dialect, request, query);
      return await route.handler(forConnect(universal, dialect, handover));
    } catch (error) {
      const { answer, status } = middleware.turnAway(pathname.slice(1), { protocol, header }, error);
      return answerRefusal(contentType, status, answer);
    }
  }

  return (request, response) => {
    // Every answer is of its moment, and some are asked for by GET.
    response.setHeader('cache-control', 'no-store');
    const send = async () => {
      const answer = await answerTo(request, response);
      if (answer === undefined) return;
      if (!request.complete) await rest(request);
      await universalResponseToNodeResponse(answer, response);
    };
    send().catch((error: unknown) => {
      // A caller that left while its answer was being written is no failure of ours.
      if (!response.destroyed)
        log.error({ path: headOf(request).pathname, err: error }, 'http answer failed');
      response.destroy();
    });
  };
}

/**
 * Reads past what is left of a request that is answered before its end: answered in between, it could be sent into a
 * connection that is closing. For a moment only; http1-server.ts closes on who is not done by then.
 */
async function rest(request: IncomingMessage): Promise<void> {
  request.resume();
  await once(request, 'end', { signal: AbortSignal.timeout(REST_MS) }).catch(() => undefined);
}

const REST_MS = 100;

/** Reads the request; why it cannot be read is told to whoever asks for it. */
async function read(
  { method }: MountedRpc,
  dialect: Dialect,
  request: IncomingMessage,
  query: ReadonlyMap<string, string>,
): Promise<Handover> {
  const header = (name: string) => request.headers[name]?.toString();
  let deadlineMs: number | undefined;
  try {
    const timeoutMs = timeoutOf(header, dialect.timeout);
    deadlineMs = timeoutMs === undefined ? undefined : processTime() + timeoutMs;
    const isGet = request.method === 'GET';
    const sent = isGet
      ? messageOf(query)
      : await bodyOf(request, mostBytes(dialect), unaryDeadline(deadlineMs));
    const compression = isGet ? query.get('compression') : header(dialect.compression);
    let message: Uint8Array | undefined = await messageIn(sent, dialect, compression);
    const decode = () => {
      const given = message!;
      // A stream knows its handover for as long as it lives.
      message = undefined;
      return decodeRequest(method.input, dialect.format, given);
    };
    return { deadlineMs, decode };
  } catch (error) {
    const decode = () => {
      throw error;
    };
    return { deadlineMs, decode };
  }
}

const EMPTY = { json: new TextEncoder().encode('{}'), proto: new Uint8Array() };

/** The request as Connect gets it: an empty message, and of its headers none that could be refused. */
function forConnect(
  request: UniversalServerRequest,
  dialect: Dialect,
  handover: Handover,
): UniversalServerRequest {
  const { header } = request;
  for (const name of [dialect.timeout, dialect.compression, 'content-length']) header.delete(name);
  header.set('content-type', dialect.contentType);
  const empty = EMPTY[dialect.format];
  const body = createAsyncIterable([dialect.framed ? encodeEnvelope(0, empty) : empty]);
  return { ...request, method: 'POST', body, contextValues: handOver(handover) };
}

function headOf({ url = '', headers }: IncomingMessage) {
  return { pathname: url.split('?', 1)[0] ?? '', contentType: headers['content-type'] ?? '' };
}

// Connect throws where it cannot make a URL of the request; HTTP/1.0 needs no Host header, for one.
function toUniversal(request: IncomingMessage, response: ServerResponse): UniversalServerRequest {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, undefined);
  } catch {
    throw malformed('http', 'the Host header is missing or unfit');
  }
}

function routesOf(services: readonly MountedService[], middleware: Middleware): ReadonlyMap<string, Route> {
  const router = createConnectRouter({
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
  });
  for (const { service, methods } of services) router.service(service, surrounded(methods, middleware));
  const methods = new Map(services.flatMap((service) => service.methods.map((one) => [`/${one.name}`, one])));
  return new Map(
    router.handlers.map((handler) => [
      handler.requestPath,
      { handler, method: methods.get(handler.requestPath)! },
    ]),
  );
}

const asIs = (message: Message) => message;

/** The implementations with all that surrounds them. They give whole messages, so that Connect has nothing to convert. */
const surrounded = (methods: readonly MountedRpc[], middleware: Middleware): ServiceImpl<DescService> =>
  Object.fromEntries(
    methods.map((method) => [
      method.method.localName,
      (_empty: unknown, context: HandlerContext) => {
        const call = incomingConnectCall(context);
        return method.kind === 'unary'
          ? middleware.unary(method, call, asIs)
          : middleware.stream(method, call, asIs);
      },
    ]),
  ) as ServiceImpl<DescService>;
