import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { cors } from '@connectrpc/connect';
import { REQUEST_ID } from '../call/errors.ts';
import { ACTOR_HEADER, TRACEPARENT } from '../call/incoming-call.ts';

const METHODS = cors.allowedMethods.join(', ');
/** What pages may send besides what browsers let anybody send. */
const REQUEST_HEADERS = [
  ...cors.allowedHeaders,
  'Authorization',
  REQUEST_ID,
  ACTOR_HEADER,
  TRACEPARENT,
  'tracestate',
].join(', ');
/** What pages may see of an answer. */
const ANSWER_HEADERS = [...cors.exposedHeaders, REQUEST_ID, TRACEPARENT].join(', ');
/** No browser remembers what it was told for longer. */
const LONGEST_MEMORY_S = 7_200;

/**
 * Lets pages of these origins call from a browser, which asks beforehand and shows them no answer else. Credentials that
 * browsers send by themselves (cookies, certificates) are not among what is allowed.
 */
export function withCors(origins: readonly string[], answer: RequestListener): RequestListener {
  if (origins.length === 0) return answer;
  const allowed = new Set(origins);
  return (request, response) => {
    const { origin } = request.headers;
    // What is told to one page must not be kept for another.
    response.setHeader('vary', 'Origin');
    if (origin !== undefined && allowed.has(origin)) {
      response.setHeader('access-control-allow-origin', origin);
      if (isAskedBeforehand(request)) return allow(response);
      response.setHeader('access-control-expose-headers', ANSWER_HEADERS);
    }
    answer(request, response);
  };
}

const isAskedBeforehand = ({ method, headers }: IncomingMessage) =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

function allow(response: ServerResponse): void {
  response.setHeader('access-control-allow-methods', METHODS);
  response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
  response.setHeader('access-control-max-age', LONGEST_MEMORY_S);
  response.statusCode = 204;
  response.end();
}
