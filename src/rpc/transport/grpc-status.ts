import type { ConnectError } from '@connectrpc/connect';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { StatusSchema } from '#gen/google/rpc/status_pb.ts';

/** The metadata that holds a status with its details. */
export const DETAILS = 'grpc-status-details-bin';

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
