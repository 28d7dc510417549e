import type { ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { createAsyncIterable, encodeEnvelope } from '@connectrpc/connect/protocol';
import * as connect from '@connectrpc/connect/protocol-connect';
import * as grpcWeb from '@connectrpc/connect/protocol-grpc-web';

/**
 * The answer to a request that no handler gets, in the form that what it says it is expects; what says nothing known
 * gets JSON. `status` is for those who read JSON: gRPC-Web and streams have theirs in the answer.
 */
export function answerRefusal(
  contentType: string,
  status: number,
  error: ConnectError,
): UniversalServerResponse {
  const web = grpcWeb.parseContentType(contentType);
  if (web !== undefined && !web.text) {
    const trailers = new Headers({ 'content-type': contentType });
    grpcWeb.setTrailerStatus(trailers, error);
    return { status: 200, header: trailers };
  }
  const header = new Headers(error.metadata);
  if (connect.parseContentType(contentType)?.stream === true) {
    header.set('content-type', contentType);
    const end = connect.endStreamToJson(new Headers(), error, undefined);
    const data = new TextEncoder().encode(JSON.stringify(end));
    return { status: 200, header, body: createAsyncIterable([encodeEnvelope(connect.endStreamFlag, data)]) };
  }
  header.set('content-type', connect.contentTypeUnaryJson);
  return { status, header, body: createAsyncIterable([connect.errorToJsonBytes(error, undefined)]) };
}
