import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { createConnectRouter, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';
import { codeToHttpStatus } from '@connectrpc/connect/protocol-connect';
import { pause } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import type { RefusalError } from '../../refusal.ts';
import { REQUEST_ID, toWireError } from '../call/errors.ts';
import { requestIdFor, type CallHead } from '../call/incoming-call.ts';
import type { Middleware } from '../call/middleware.ts';
import type { MountedRpc, MountedService } from '../call/mounted-service.ts';
import { messageOf, type Outgoing } from '../encoding/encoded.ts';
import { answerRefusal } from './answer-refusal.ts';
import { forConnect, incomingConnectCall, readCall } from './connect-call.ts';
import type { CertificateNames } from './certificate-names.ts';
import type { CheckHost } from './host-check.ts';
import { streamOf } from './http2-requests.ts';
import { malformed, unknownMethod } from './protocol-errors.ts';
import { queryOf } from './query.ts';
import { keepRoomForCalls } from './room-for-calls.ts';
import { deadlineIn } from './timeout-header.ts';
import { formatOf } from './wire-format.ts';

type Route = { readonly rpc: MountedRpc; readonly handler: UniversalHandler };

/** What stands around these calls. */
export type ConnectEdge = {
  readonly checkHost: CheckHost;
  readonly namesOf: CertificateNames;
  readonly log: Log;
  readonly pages: Pages;
};

/** What answers GET and HEAD of a path that is no RPC: by path, without the slash it begins with. */
export type Pages = Readonly<Record<string, RequestListener>>;

/**
 * The Connect protocol (so that curl works) and gRPC-Web, over HTTP/1.1 and HTTP/2. A request is read here and answered by Connect, which is
 * handed an empty message in its place: see connect-call.ts.
 */
export function createConnectTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  { checkHost, namesOf, log, pages }: ConnectEdge,
): RequestListener {
  const routes = routesOf(services, middleware);

  async function answerTo(request: IncomingMessage, response: ServerResponse, head: CallHead) {
    const { 'content-type': contentType = '' } = request.headers;
    const stream = streamOf(request);
    try {
      checkHost(request.headers[':authority']?.toString() ?? request.headers.host);
      const route = routes.get(head.name);
      if (route === undefined) {
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        const page = isRead && Object.hasOwn(pages, head.name) ? pages[head.name] : undefined;
        if (page === undefined) throw unknownMethod(head.name);
        page(request, response);
        return undefined;
      }
      const credential = middleware.check(route.rpc, head);
      const universal = toUniversal(request, response);
      const query = queryOf(request.url ?? '');
      const { method: httpMethod = '' } = request;
      const isHttp2 = stream !== undefined;
      const format = formatOf(route.rpc, { isHttp2, httpMethod, contentType, query });
      const { clock, slots } = middleware;
      if (route.rpc.kind !== 'unary' && stream !== undefined) keepRoomForCalls(stream);
      const refusal = await new Promise<RefusalError | undefined>((begun) => {
        const deadlineMs = deadlineIn(head, format.timeout, clock);
        const connection = stream?.session ?? request.socket;
        const call = { connection, deadlineMs, begin: () => begun(undefined), refuse: begun };
        response.once('close', slots.enter(route.rpc, call));
      });
      if (refusal !== undefined) return turnAway(contentType, head, refusal);
      const call = readCall({ ...head, credential }, route.rpc, format, request, query, clock);
      return await route.handler(forConnect(universal, format, call));
    } catch (error) {
      const { answer, status } = middleware.reject(head, error);
      return answerRefusal(contentType, status, answer);
    }
  }

  return (request, response) => {
    // Every answer is of its moment, and some are asked for by GET.
    response.setHeader('cache-control', 'no-store');
    const stream = streamOf(request);
    const head = headOf(request, namesOf(stream?.session ?? request.socket));
    response.setHeader(REQUEST_ID, head.requestId);
    const send = async () => {
      const answer = await answerTo(request, response, head);
      if (answer === undefined) return;
      if (stream === undefined && !request.complete) await rest(request);
      await universalResponseToNodeResponse(answer, response);
    };
    send().catch((error: unknown) => {
      // A caller that left while its answer was being written is no failure of ours.
      if (!(stream ?? response).destroyed) log.error({ path: head.name, err: error }, 'http answer failed');
      breakOff(response, stream);
    });
  };
}

function breakOff(response: ServerResponse, stream: ServerHttp2Stream | undefined): void {
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** Refuses what gets no slot; slots tell the log. */
function turnAway(contentType: string, head: CallHead, refusal: RefusalError) {
  const answer = toWireError(refusal, head.requestId);
  return answerRefusal(contentType, codeToHttpStatus(answer.code), answer);
}

/**
 * Reads past what is left of a request over HTTP/1.1 that is answered before its end: answered in between, it could be sent into a
 * connection that is closing. For a moment only; http1-server.ts closes on who is not done by then.
 */
async function rest(request: IncomingMessage): Promise<void> {
  const ended = new AbortController();
  request.once('end', () => ended.abort()).resume();
  await pause(REST_MS, ended.signal);
}

const REST_MS = 100;

function headOf({ url = '', headers }: IncomingMessage, certificateNames: readonly string[]): CallHead {
  const isWeb = headers['content-type']?.startsWith('application/grpc-web') === true;
  const header = (name: string) => headers[name]?.toString();
  return {
    name: url.split('?', 1)[0]!.slice(1),
    protocol: isWeb ? 'grpc-web' : 'connect',
    requestId: requestIdFor(header(REQUEST_ID)),
    certificateNames,
    header,
  };
}

// Connect throws where it cannot make a URL of the request; HTTP/1.0 needs no Host header, for one.
function toUniversal(request: IncomingMessage, response: ServerResponse): UniversalServerRequest {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, undefined);
  } catch {
    throw malformed('http', 'the Host header is missing or unfit');
  }
}

/** By name. */
function routesOf(services: readonly MountedService[], middleware: Middleware): ReadonlyMap<string, Route> {
  const router = createConnectRouter({
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
  });
  for (const { service, rpcs, registry } of services)
    router.service(service, surrounded(rpcs, middleware), registry && { jsonOptions: { registry } });
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const rpcs = services.flatMap((service) => service.rpcs);
  return new Map(rpcs.map((rpc) => [rpc.name, { rpc, handler: handlers.get(`/${rpc.name}`)! }]));
}

/** The implementations with all that surrounds them. They give whole messages, so that Connect has nothing to convert. */
const surrounded = (rpcs: readonly MountedRpc[], middleware: Middleware): ServiceImpl<DescService> =>
  Object.fromEntries(
    rpcs.map((rpc) => [
      rpc.method.localName,
      (_empty: unknown, context: HandlerContext) => {
        const call = incomingConnectCall(context);
        const toMessage = (answer: Outgoing) => messageOf(rpc.method.output, answer);
        if (rpc.kind === 'unary') return middleware.unary(rpc, call, toMessage);
        const answers = middleware.stream(rpc, call, toMessage);
        return hasOneAnswer(rpc) ? onlyOne(answers) : answers;
      },
    ]),
  ) as ServiceImpl<DescService>;

// The middleware knows one kind of stream of requests, and Connect two.
const hasOneAnswer = ({ method }: MountedRpc): boolean =>
  (method as DescMethod).methodKind === 'client_streaming';

async function onlyOne(answers: AsyncIterable<Message>): Promise<Message> {
  let only: Message | undefined;
  // To its end, so that the middleware hears of it.
  for await (const answer of answers) only = answer;
  return only!;
}
