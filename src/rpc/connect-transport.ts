import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Message } from '@bufbuild/protobuf';
import {
  createConnectRouter,
  type ConnectRouter,
  type HandlerContext,
  type MethodImpl,
} from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Log } from '../log.ts';
import { createMark, incomingConnectCall, type Mark } from './connect-call.ts';
import { completeEarlyRefusal } from './early-refusal.ts';
import { READ_MAX_BYTES, SEND_MAX_BYTES } from './limits.ts';
import type { Middleware } from './middleware.ts';
import type { MountedMethod, MountedService } from './mounted-service.ts';

/**
 * The Connect protocol (so that curl works) and gRPC-Web, over HTTP/1.1.
 * `fallback` answers requests for paths that are no RPC.
 */
export function createConnectTransport(
  services: readonly MountedService[],
  middleware: Middleware,
  log: Log,
  fallback: RequestListener = answerNotFound,
): RequestListener {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: READ_MAX_BYTES,
    writeMaxBytes: SEND_MAX_BYTES,
    // Node's timers cannot count further, and would fire at once.
    maxTimeoutMs: 2 ** 31 - 1,
    acceptCompression: [compressionGzip, compressionBrotli],
    // A misspelt `expires_at` must not create credit that never expires.
    jsonOptions: { ignoreUnknownFields: false },
  });
  for (const { methods } of services) for (const method of methods) route(router, method, middleware);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const handler = handlers.get(path);
    if (handler === undefined) return fallback(request, response);
    const mark = createMark();
    const universal = toUniversal(request, response, mark);
    if (universal === undefined)
      return answerJson(response, 400, 'invalid_argument', 'the Host header is missing or unfit');
    answer(handler, universal, mark, response, log).catch((error: unknown) => {
      // A caller that left while its answer was being written is no failure of ours.
      if (!response.destroyed) log.error({ path, err: error }, 'http answer failed');
      response.destroy();
    });
  };
}

async function answer(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  mark: Mark,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  let result = await handler(request);
  if (!mark.admitted) {
    result = await completeEarlyRefusal(result);
    log.info({ path: handler.requestPath, status: result.status }, 'rpc refused before its request was read');
  }
  await universalResponseToNodeResponse(result, response);
}

// Connect throws where it cannot make a URL of the request; HTTP/1.0 needs no Host header, for one.
// Uncaught, one such request would stop the process.
function toUniversal(request: IncomingMessage, response: ServerResponse, mark: Mark) {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, mark.values);
  } catch {
    return undefined;
  }
}

const asIs = (message: Message) => message;

// The middleware hands over whole messages of the right type, so that Connect has nothing to convert.
function route(router: ConnectRouter, method: MountedMethod, middleware: Middleware): void {
  const add = (implementation: unknown) =>
    void router.rpc(method.descriptor, implementation as MethodImpl<DescMethod>);
  if (method.kind === 'unary')
    add((request: Message, context: HandlerContext) =>
      middleware.unary(method, incomingConnectCall(context), () => request, asIs),
    );
  else
    add((input: Message | AsyncIterable<Message>, context: HandlerContext) =>
      middleware.stream(method, incomingConnectCall(context), () => input, asIs),
    );
}

const answerNotFound: RequestListener = (request, response) =>
  answerJson(response, 404, 'unimplemented', `no RPC has the path ${request.url ?? ''}`);

function answerJson(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code, message }));
}
