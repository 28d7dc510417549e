import type { MessageInitShape } from '@bufbuild/protobuf';
import { formatAmount, parseAmount } from '../../amount.ts';
import type { Currencies } from '../../book/currencies.ts';
import type { BalancePart } from '../../credit/query/get-balance.ts';
import { checkPrecision } from '../../credit/precision.ts';
import type { BalanceMessage, Threshold } from '../../watch/message.ts';
import { BalancePart as PartMessage, ChangeCause } from '#gen/credit/v1/balance_pb.ts';
import type { WatchBalanceRequest, WatchBalanceResponseSchema } from '#gen/credit/v1/watch_pb.ts';
import type { CallContext } from '../context.ts';
import { enumOf, nameOf, timestampOf } from '../wire.ts';
import { keyOf, namespaceOf } from './decode.ts';
import type { ServiceDeps } from './deps.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './get-balance.ts';

type Answer = MessageInitShape<typeof WatchBalanceResponseSchema>;

export async function* watchBalance(
  deps: ServiceDeps,
  request: WatchBalanceRequest,
  context: CallContext,
): AsyncGenerator<Answer, void, undefined> {
  const { currencies, scope, parts } = await figuresOf(deps.currencies, request);
  const watched = { currencies, scope, parts, below: await thresholdsOf(deps.currencies, request) };
  const asked = { key: keyOf(request), watched, lastVersion: Number(request.lastVersion) };
  for await (const message of deps.hub.watch(asked, context.signal)) yield encoded(message);
}

const thresholdsOf = (currencies: Currencies, request: WatchBalanceRequest): Promise<readonly Threshold[]> =>
  Promise.all(
    request.below.map(async ({ currency, part, amount: text }, i) => {
      const precision = await currencies.precisionOf(namespaceOf(request), currency, `below[${i}].currency`);
      const amount = parseAmount(text);
      checkPrecision({ currency, precision }, amount);
      return { currency, amount, part: partOf(part) };
    }),
  );

const partOf = (part: PartMessage): BalancePart =>
  (nameOf<Uppercase<BalancePart>>(PartMessage, part) ?? 'LIVE').toLowerCase() as BalancePart;

/** Messages are made once for all streams that watch the same, and encoded once. */
const answers = new WeakMap<BalanceMessage, Answer>();

function encoded(message: BalanceMessage): Answer {
  const known = answers.get(message);
  if (known !== undefined) return known;
  const answer = encode(message);
  answers.set(message, answer);
  return answer;
}

const encode = ({ version, asOf, balances, causes, heartbeat, below }: BalanceMessage): Answer => ({
  version: BigInt(version),
  asOf: timestampOf(asOf),
  balances: balances.map(encodeBalance),
  causes: causes.map((cause) => enumOf(ChangeCause, cause)),
  heartbeat,
  below: below.map(({ currency, part, amount }) => ({
    currency,
    part: enumOf(PartMessage, part.toUpperCase() as Uppercase<BalancePart>),
    amount: formatAmount(amount),
  })),
});
