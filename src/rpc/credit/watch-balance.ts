import { BalancePart as PartMessage, ChangeCause } from '#gen/credit/v1/balance_pb.ts';
import type { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { WatchBalanceResponseSchema, type WatchBalanceRequest } from '#gen/credit/v1/watch_pb.ts';
import { formatAmount } from '../../amount.ts';
import type { BalancePart } from '../../credit/figures.ts';
import type { Currencies } from '../../tables/currencies.ts';
import type { BalanceMessage, Threshold } from '../../watch/message.ts';
import { amountOf, keyOf } from '../decode.ts';
import { encodedAs, type Encoded } from '../encoding/encoded.ts';
import type { Handler } from '../handler.ts';
import { enumOf, nameOf, timestampOf } from '../wire.ts';
import { encodeBalance } from './encode.ts';
import { figuresOf } from './figures.ts';

export const watchBalance: Handler<typeof CreditService.method.watchBalance> = async function* (
  request,
  deps,
  { signal },
) {
  const { currencies, scope, parts } = await figuresOf(deps.currencies, request);
  const watched = { currencies, scope, parts, below: await thresholdsOf(deps.currencies, request) };
  const asked = { key: keyOf(request), watched, lastVersion: Number(request.lastVersion) };
  for await (const message of deps.hub.watch(asked, signal)) yield encoded(message);
};

const thresholdsOf = (
  currencies: Currencies,
  { namespace, below }: WatchBalanceRequest,
): Promise<readonly Threshold[]> =>
  Promise.all(
    below.map(async ({ part, ...threshold }, i) => {
      const { currency, amount } = await amountOf(currencies, { namespace, ...threshold }, `below[${i}].`);
      return { currency, amount, part: partOf(part) };
    }),
  );

const partOf = (part: PartMessage): BalancePart =>
  (nameOf(PartMessage, part) ?? 'LIVE').toLowerCase() as BalancePart;

/** A message that many streams share is encoded once. */
const answers = new WeakMap<BalanceMessage, Encoded>();

function encoded(message: BalanceMessage): Encoded {
  const known = answers.get(message);
  if (known !== undefined) return known;
  const answer = encode(message);
  answers.set(message, answer);
  return answer;
}

const encode = ({ version, asOf, balances, causes, heartbeat, below }: BalanceMessage) =>
  encodedAs(WatchBalanceResponseSchema, {
    version: BigInt(version),
    asOf: timestampOf(asOf),
    heartbeat,
    balances: balances.map(encodeBalance),
    causes: causes.map((cause) => enumOf(ChangeCause, cause)),
    below: below.map(({ currency, part, amount }) => ({
      currency,
      part: enumOf(PartMessage, part.toUpperCase() as Uppercase<BalancePart>),
      amount: formatAmount(amount),
    })),
  });
