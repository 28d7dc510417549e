import type { MessageInitShape } from '@bufbuild/protobuf';
import { onTestFinished } from 'vitest';
import { ChangeCause } from '#gen/credit/v1/balance_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { WatchBalanceRequestSchema, WatchBalanceResponse } from '#gen/credit/v1/watch_pb.ts';
import { instantOf, nameOf } from '../../src/rpc/wire.ts';
import { failureOf } from '../rpc/clients.ts';
import type { GrpcCaller } from './grpc-caller.ts';

/** A message of a watch as far as tests compare it: figures as `USD settled live pending`. */
export type Told = {
  readonly version: number;
  readonly asOf: number | null;
  readonly balances: readonly string[];
  readonly causes: readonly (string | null)[];
  readonly heartbeat?: true;
  readonly below?: readonly string[];
};

const told = ({ version, asOf, balances, causes, heartbeat, below }: WatchBalanceResponse): Told => ({
  version: Number(version),
  asOf: instantOf(asOf),
  balances: balances.map(({ currency, settled, live, pending }) =>
    [currency, settled ?? '–', live ?? '–', pending ?? '–'].join(' '),
  ),
  causes: causes.map((cause) => nameOf(ChangeCause, cause)),
  ...(heartbeat && { heartbeat: true as const }),
  ...(below.length > 0 && { below: below.map(({ amount }) => amount) }),
});

/** Watches a customer's balance over gRPC until the test ends. */
export function watching(
  client: GrpcCaller,
  customerId: string,
  more: MessageInitShape<typeof WatchBalanceRequestSchema> = {},
) {
  const stream = client.follow(CreditService.method.watchBalance, { ...more, customerId });
  onTestFinished(() => stream.cancel());
  /** The next message; `move` brings it about. */
  const next = async (move: () => unknown = () => undefined): Promise<Told> => {
    move();
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream has ended');
    return told(value);
  };
  return {
    next,
    /** The next message but heartbeats. */
    news: async (): Promise<Told> => {
      for (;;) {
        const message = await next();
        if (message.heartbeat === undefined) return message;
      }
    },
    /** Why the stream ends, whatever it says before. */
    failure: () =>
      failureOf(
        (async () => {
          for (;;) await next();
        })(),
      ),
    cancel: () => stream.cancel(),
  };
}
