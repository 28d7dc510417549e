import type { ConnectError } from '@connectrpc/connect';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  Metadata,
  status as Status,
  type ServerInterceptingCall,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import { StatusSchema } from '#gen/google/rpc/status_pb.ts';
import type { RefusalError } from '../../refusal.ts';
import { hungUp } from '../call/admission.ts';
import { tooLate } from '../call/deadline.ts';
import { toWireError } from '../call/errors.ts';
import { requestIdOf, type CallHead } from '../call/incoming-call.ts';
import type { Middleware } from '../call/middleware.ts';
import { READ_MAX_BYTES } from './limits.ts';
import { malformed, tooLarge, unsupported } from './protocol-errors.ts';
import { quoted } from './timeout-header.ts';

/** The metadata that holds a status with its details. */
const DETAILS = 'grpc-status-details-bin';

/** A status as grpc-js sends it: details as a `google.rpc.Status` in `grpc-status-details-bin`. */
export function grpcStatusOf(error: ConnectError): StatusObject {
  const metadata = new Metadata();
  for (const [name, value] of error.metadata) metadata.set(name, value);
  if (error.details.length > 0) metadata.set(DETAILS, detailsOf(error));
  // Connect numbers its codes as gRPC does.
  return { code: error.code as number, details: error.rawMessage, metadata };
}

function detailsOf(error: ConnectError): Buffer {
  const details = error.details.map((detail) =>
    'desc' in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value },
  );
  const status = create(StatusSchema, { code: error.code, message: error.rawMessage, details });
  return Buffer.from(toBinary(StatusSchema, status));
}

type OwnStatus = Parameters<ServerInterceptingCall['sendStatus']>[0];

/**
 * Gives the statuses by which grpc-js ends a call on its own what every refusal has: a reason, and a line in the log.
 * They pass no interceptor, so it is the call's way to send a status that is replaced.
 */
export function completeOwnStatuses({ reject }: Middleware, headOf: () => CallHead): ServerInterceptor {
  const answerOf = (status: OwnStatus, head: CallHead): ConnectError => {
    // The middleware has a timer of its own for the deadline, and its own line.
    if (status.code === Status.DEADLINE_EXCEEDED) return toWireError(tooLate(), requestIdOf(head));
    return reject(head, meaningOf(status)).answer;
  };
  return (_method, call) => {
    const head = headOf();
    const send = call.sendStatus.bind(call);
    call.sendStatus = (status) => {
      if (isComplete(status)) return send(status);
      send(grpcStatusOf(answerOf(status, head)));
    };
    // Nothing is intercepted: an interceptor is only how one gets at a call.
    return call as ServerInterceptingCall;
  };
}

const isComplete = ({ code, metadata }: OwnStatus) =>
  code === Status.OK || code === Status.CANCELLED || (metadata?.get(DETAILS).length ?? 0) > 0;

/** What grpc-js means: it counts a truncated message as none, and tells unary calls that they stream. */
function meaningOf({ code, details }: OwnStatus): unknown {
  const said = details ?? '';
  if (code === Status.RESOURCE_EXHAUSTED) return tooLarge(READ_MAX_BYTES);
  if (code === Status.UNIMPLEMENTED) return unserved(said);
  // What could not be written had nobody to read it.
  if (code === Status.INTERNAL && said === 'Internal server error') return hungUp();
  if (code === Status.INTERNAL && said.includes('decompress'))
    return malformed('compression', 'the request is not what its compression makes');
  return new Error(`grpc-js: ${said}`);
}

function unserved(said: string): RefusalError {
  const encoding = /unsupported encoding "([^"]*)"/.exec(said)?.[1];
  if (encoding !== undefined)
    return unsupported(
      'compression',
      `the request is compressed by ${quoted(encoding)}: gzip and deflate are read`,
    );
  const count = said.includes('second') ? 'more than one message' : 'no whole message';
  return unsupported('messages', `the request holds ${count}, and this call takes one`);
}
