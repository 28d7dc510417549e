import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { DescService } from '@bufbuild/protobuf';
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
import { toWireError } from '../call/errors.ts';
import { requestIdOf, type CallHead } from '../call/incoming-call.ts';
import type { Middleware } from '../call/middleware.ts';
import type { MountedRpc, MountedService } from '../call/mounted-service.ts';
import { messageOf, type Outgoing } from '../encoding/encoded.ts';
import { answerRefusal } from './answer-refusal.ts';
import { forConnect, incomingConnectCall, readCall } from './connect-call.ts';
import type { CheckHost } from './host-check.ts';
import { malformed, unknownMethod } from './protocol-errors.ts';
import { queryOf } from './query.ts';
import { deadlineIn } from './timeout-header.ts';
import { formatOf } from './wire-format.ts';

type Route = { readonly rpc: MountedRpc; readonly handler: UniversalHandler };

/** What answers GET and HEAD of a path that is no RPC: by path, without the slash it begins with. */
export type Pages = Readonly<Record<string, RequestListener>>;

/**
 * The Connect protocol (so that curl works) and gRPC-Web. A request is read here and answered by Connect, which is
 * handed an empty message in its place: see connect-call.ts.
 */
export function createConnectTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  checkHost: CheckHost,
  log: Log,
  pages: Pages,
): RequestListener {
  const routes = routesOf(services, middleware);

  async function answerTo(request: IncomingMessage, response: ServerResponse) {
    const head = headOf(request);
    const { 'content-type': contentType = '', host } = request.headers;
    try {
      checkHost(host);
      const route = routes.get(head.name);
      if (route === undefined) {
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        const page = isRead && Object.hasOwn(pages, head.name) ? pages[head.name] : undefined;
        if (page === undefined) throw unknownMethod(head.name);
        page(request, response);
        return undefined;
      }
      middleware.check(route.rpc, head);
      const universal = toUniversal(request, response);
      const query = queryOf(request.url ?? '');
      const format = formatOf(route.rpc, { httpMethod: request.method ?? '', contentType, query });
      const { clock, slots } = middleware;
      const refusal = await new Promise<RefusalError | undefined>((begun) => {
        const deadlineMs = deadlineIn(head, format.timeout, clock);
        const call = { connection: request.socket, deadlineMs, begin: () => begun(undefined), refuse: begun };
        response.once('close', slots.enter(route.rpc, call));
      });
      if (refusal !== undefined) return turnAway(contentType, head, refusal);
      const call = readCall(head, route.rpc, format, request, query, clock);
      return await route.handler(forConnect(universal, format, call));
    } catch (error) {
      const { answer, status } = middleware.reject(head, error);
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
        log.error({ path: request.url?.split('?', 1)[0], err: error }, 'http answer failed');
      response.destroy();
    });
  };
}

/** Refuses what gets no slot; slots tell the log. */
function turnAway(contentType: string, head: CallHead, refusal: RefusalError) {
  const answer = toWireError(refusal, requestIdOf(head));
  return answerRefusal(contentType, codeToHttpStatus(answer.code), answer);
}

/**
 * Reads past what is left of a request that is answered before its end: answered in between, it could be sent into a
 * connection that is closing. For a moment only; http1-server.ts closes on who is not done by then.
 */
async function rest(request: IncomingMessage): Promise<void> {
  const ended = new AbortController();
  request.once('end', () => ended.abort()).resume();
  await pause(REST_MS, ended.signal);
}

const REST_MS = 100;

function headOf({ url = '', headers }: IncomingMessage): CallHead {
  const isWeb = headers['content-type']?.startsWith('application/grpc-web') === true;
  return {
    name: url.split('?', 1)[0]!.slice(1),
    protocol: isWeb ? 'grpc-web' : 'connect',
    header: (name) => headers[name]?.toString(),
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
  for (const { service, rpcs } of services) router.service(service, surrounded(rpcs, middleware));
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
        return rpc.kind === 'unary'
          ? middleware.unary(rpc, call, toMessage)
          : middleware.stream(rpc, call, toMessage);
      },
    ]),
  ) as ServiceImpl<DescService>;
