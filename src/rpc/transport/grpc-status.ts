import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { ConnectError } from '@connectrpc/connect';
import { StatusSchema } from '#gen/google/rpc/status_pb.ts';
import type { RefusalError } from '../../refusal.ts';
import { connectErrorOf, REQUEST_ID } from '../call/errors.ts';
import type { CallHead } from '../call/incoming-call.ts';
import { COMPRESSIONS } from './request-body.ts';

/** The head of every answer that has a message in it, or could have had one. */
export const ANSWER_HEAD = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': ['identity', ...COMPRESSIONS].join(),
} as const satisfies OutgoingHttpHeaders;

/** The trailers of a call that went well. */
export const OK_TRAILERS = { 'grpc-status': '0' } as const satisfies OutgoingHttpHeaders;

/** A status as trailers have it: details as a `google.rpc.Status` in `grpc-status-details-bin`. */
export function trailersOf({ code, rawMessage, details, metadata }: ConnectError): OutgoingHttpHeaders {
  // Connect numbers its codes as gRPC does.
  const trailers: OutgoingHttpHeaders = {
    'grpc-status': String(code),
    'grpc-message': rawMessage.replaceAll(NOT_PLAIN, encodeURIComponent),
  };
  for (const [name, value] of metadata) trailers[name] = value;
  if (details.length > 0) trailers['grpc-status-details-bin'] = statusOf(code, rawMessage, details);
  return trailers;
}

// What the protocol lets stand as it is: printable ASCII but for the percent sign.
const NOT_PLAIN = /[^ -$&-~]+/g;

// The protocol wants none of it.
const PADDING = /=+$/;

function statusOf(code: number, message: string, details: ConnectError['details']): string {
  const packed = details.map((detail) =>
    'desc' in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value },
  );
  const status = toBinary(StatusSchema, create(StatusSchema, { code, message, details: packed }));
  const base64 = Buffer.from(status.buffer, status.byteOffset, status.byteLength).toString('base64');
  return base64.replace(PADDING, '');
}

/** Answers with a status, and trailers if a handler has set any, and nothing else. What the caller still sends nobody reads. */
export function endWith(stream: ServerHttp2Stream, answer: ConnectError, set?: OutgoingHttpHeaders): void {
  endWithHead(stream, { ...ANSWER_HEAD, ...set, ...trailersOf(answer) });
}

const inShort = new WeakMap<RefusalError, OutgoingHttpHeaders>();

/** Refuses what gets no slot. Ten times as many of these are answered as of all others when it matters. */
export function refuseInShort(
  stream: ServerHttp2Stream,
  { requestId }: Pick<CallHead, 'requestId'>,
  refusal: RefusalError,
): void {
  let head = inShort.get(refusal);
  if (head === undefined)
    inShort.set(refusal, (head = { ...ANSWER_HEAD, ...trailersOf(connectErrorOf(refusal.refusal)) }));
  endWithHead(stream, { ...head, [REQUEST_ID]: requestId });
}

function endWithHead(stream: ServerHttp2Stream, head: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(head, { endStream: true });
  stream.resume();
}
