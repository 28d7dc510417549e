import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { BalancePart } from '#gen/credit/v1/balance_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type {
  WatchBalanceRequest,
  WatchBalanceRequestSchema,
  WatchBalanceResponse,
} from '#gen/credit/v1/watch_pb.ts';
import { instantOf } from '../../src/rpc/wire.ts';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Caller } from '../support/caller.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { GRID, START } from '../support/histories.ts';
import { longHistories, playerOf } from '../support/played.ts';
import { testWorld } from '../support/world.ts';
import { until } from '../support/until.ts';

/**
 * Law 10: a watch folded over its messages equals polling at every message, whoever writes where. Two instances write
 * by turns; the watches are on one of them, which hears of the other by its poll alone.
 */

const { url, caller, time, sql, another } = await testWorld();
const other = await another();
const client = grpcCaller(url);
afterAll(() => client.close());

type Asked = Pick<
  Exclude<MessageInitShape<typeof WatchBalanceRequestSchema>, WatchBalanceRequest>,
  'currencies' | 'parts' | 'featureFilter'
>;

const CURRENCIES = ['USD', 'EUR'];
const WATCHES: Readonly<
  Record<string, Omit<MessageInitShape<typeof WatchBalanceRequestSchema>, 'customerId'>>
> = {
  everything: { currencies: CURRENCIES },
  'whatever currency there is': {},
  'a feature': { currencies: CURRENCIES, featureFilter: { filter: { case: 'featureKey', value: 'a' } } },
  'unrestricted credit': {
    currencies: ['USD'],
    featureFilter: { filter: { case: 'unrestricted', value: true } },
    parts: [BalancePart.LIVE],
  },
};

const figuresOf = ({ balances }: Pick<WatchBalanceResponse, 'balances'>): string =>
  balances
    .map(({ currency, settled, live, pending }) => [currency, settled, live, pending].join(' '))
    .join('; ');

/** Reads a watch to its end, and keeps the news apart from the heartbeats. */
function folded(customerId: string, request: Asked) {
  const stream = client.follow(CreditService.method.watchBalance, { ...request, customerId });
  onTestFinished(() => stream.cancel());
  const news: WatchBalanceResponse[] = [];
  const problems: string[] = [];
  let last: WatchBalanceResponse | null = null;
  const read = async () => {
    for await (const message of stream) {
      if (last !== null) {
        if (message.version < last.version) problems.push('a version went back');
        if (instantOf(message.asOf)! < instantOf(last.asOf)!) problems.push('an instant went back');
        const same = figuresOf(message) === figuresOf(last);
        if (message.heartbeat && !same) problems.push(`a heartbeat had news: ${figuresOf(message)}`);
        if (!message.heartbeat && same) problems.push('there was news of nothing');
        if (!message.heartbeat && message.causes.length === 0) problems.push('news had no cause');
      }
      last = message;
      if (!message.heartbeat) news.push(message);
    }
  };
  read().catch(() => undefined);
  return { news, problems, last: (): WatchBalanceResponse | null => last };
}

/** What polling answers for a watch, at an instant, as known at another. */
const polled = async (customerId: string, request: Asked, moment: { asOf: number; knownAt?: number }) =>
  figuresOf(
    await client.call(CreditService.method.getBalance, {
      customerId,
      currencies: request.currencies ?? [],
      parts: request.parts ?? [],
      ...(request.featureFilter !== undefined && { featureFilter: request.featureFilter }),
      asOf: timestampFromMs(moment.asOf),
      ...(moment.knownAt !== undefined && { knownAt: timestampFromMs(moment.knownAt) }),
    }),
  );

describe.each(longHistories(3, 20_260_110).map((steps, i) => [i, steps] as const))(
  'history %d',
  (i, steps) => {
    test('is told as polling would tell it, at every message', async () => {
      time.now = START + i * 1_000 * GRID;
      const customerId = `folded ${i}`;
      const watches = Object.entries(WATCHES).map(([name, request]) => {
        return { name, request, ...folded(customerId, request) };
      });
      let turn = 0;
      let version = 0n;
      const either: Caller = {
        ...caller,
        result: (rpc, request) => (turn % 3 === 0 ? caller : other).result(rpc, request),
      };
      const player = playerOf(either, time, customerId);
      for (const step of steps) {
        turn += 1;
        time.now += Math.max(step.wait, 0) * GRID;
        const { result } = await player(step);
        if (result.ok) version = BigInt(result.answer['version'] ?? 0);
        const since = time.now;
        const told = () => watches.every(({ last }) => isUpTo(last(), version, since));
        // Every look moves the clock by a heartbeat, which is also more than the poll waits.
        await until('all watches have told it', () => told() || void (time.now += 15_000), 2);

        for (const { name, request, last, problems } of watches) {
          const asOf = instantOf(last()!.asOf)!;
          expect([name, figuresOf(last()!)]).toEqual([name, await polled(customerId, request, { asOf })]);
          expect(problems).toEqual([]);
        }
      }
      await everyMessageHolds(customerId, watches);
    });
  },
);

const isUpTo = (message: WatchBalanceResponse | null, version: bigint, instant: number): true | undefined =>
  message !== null && message.version >= version && instantOf(message.asOf)! >= instant ? true : undefined;

/** Each piece of news is the balance at its own instant, as known at its own version. */
async function everyMessageHolds(
  customerId: string,
  watches: readonly {
    readonly request: Asked;
    readonly news: readonly WatchBalanceResponse[];
  }[],
): Promise<void> {
  const writes = await sql.rows<{ version: number; recorded_at: number; last: boolean }>(
    `select w.version, w.recorded_at, not exists (
       select from writes o where o.shard = w.shard and o.book_id = w.book_id and o.recorded_at = w.recorded_at
         and o.version > w.version) as last
     from writes w join books b on b.shard = w.shard and b.id = w.book_id where b.customer_id = $1`,
    [customerId],
  );
  const knownAt = new Map(writes.filter(({ last }) => last).map((w) => [w.version, w.recorded_at]));
  let checked = 0;
  for (const { request, news } of watches) {
    for (const message of news) {
      const known = knownAt.get(Number(message.version));
      if (known === undefined) continue;
      const moment = { asOf: instantOf(message.asOf)!, knownAt: known };
      expect(figuresOf(message)).toEqual(await polled(customerId, request, moment));
      checked += 1;
    }
  }
  expect(checked).toBeGreaterThan(20);
}
