import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import {
  WatchTransactionsRequestSchema,
  WatchTransactionsResponseSchema,
  type WatchTransactionsResponse,
} from '#gen/ledger/v1/watch_pb.ts';
import { grpcFailure, pathOf } from '../rpc/clients.ts';
import type { TestClock } from './clock.ts';

/** A stream of `WatchTransactions` over gRPC, read message by message. */
export type Watching = {
  /** The next message; rejects with a WireFailure when the stream has ended. */
  next(): Promise<WatchTransactionsResponse>;
  /** Reads on until a message for which this holds, that one included. */
  until(isLast: (message: WatchTransactionsResponse) => boolean): Promise<WatchTransactionsResponse[]>;
  /** Hangs up. */
  end(): void;
};

/** Where the service's clock is moved by hand, time passes by it while a message is waited for. */
export function watchTransactions(
  url: string,
  request: MessageInitShape<typeof WatchTransactionsRequestSchema> = {},
  time?: TestClock,
): Watching {
  const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
  const call = client.makeServerStreamRequest(
    pathOf(LedgerService.method.watchTransactions),
    (init: typeof request) =>
      Buffer.from(toBinary(WatchTransactionsRequestSchema, create(WatchTransactionsRequestSchema, init))),
    (bytes: Buffer) => fromBinary(WatchTransactionsResponseSchema, bytes),
    request,
  );
  const messages = call[Symbol.asyncIterator]() as AsyncIterator<WatchTransactionsResponse>;
  const next = async () => {
    const message = messages.next();
    const result = await (time?.until(message) ?? message).catch((error: unknown) => {
      throw grpcFailure(error as grpc.ServiceError);
    });
    if (result.done === true) throw new Error('the stream ended without a status');
    return result.value;
  };
  return {
    next,
    async until(isLast) {
      const read: WatchTransactionsResponse[] = [];
      do read.push(await next());
      while (!isLast(read.at(-1)!));
      return read;
    },
    end: () => {
      call.cancel();
      client.close();
    },
  };
}

export const isBookmark = ({ event }: WatchTransactionsResponse): boolean => event.case === 'bookmark';

/** A transaction as told: whose, and where in the book. */
export const placeOf = ({ event }: WatchTransactionsResponse): string => {
  if (event.case !== 'transaction') return event.case ?? 'nothing';
  const { customerId, version, position } = event.value;
  return `${customerId} ${version}.${position}`;
};
