import { AccountType, ReceivableStage, type Route } from '#gen/ledger/v1/account_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import type { PostingEntry } from '#gen/ledger/v1/posting_pb.ts';
import { parseAmount } from '../../amount.ts';
import type { PostManually } from '../../credit/commands/post-manually.ts';
import type { AccountType as Account } from '../../ledger/account.ts';
import type { ManualEntry } from '../../ledger/manual-rules.ts';
import type { Currencies } from '../../tables/currencies.ts';
import { amountOf } from '../decode.ts';
import { instantOf, nameOf, taxOf } from '../wire.ts';
import { write } from '../write.ts';
import { postingAnswer } from './encode.ts';

export const postTransaction = write(
  LedgerService.method.postTransaction,
  async (request, { currencies }): Promise<PostManually> => {
    const { namespace, entries, reason, bookedAt } = request;
    return {
      kind: 'postManually',
      entries: await Promise.all(entries.map((entry, i) => decode(currencies, namespace, entry, i))),
      reason,
      bookedAt: instantOf(bookedAt),
    };
  },
  (decided, request) => postingAnswer(decided, request, 'MANUAL'),
);

async function decode(
  currencies: Currencies,
  namespace: string,
  { accountType, currency, amount: text, route }: PostingEntry,
  index: number,
): Promise<ManualEntry> {
  const { amount } = await amountOf(currencies, { namespace, currency, amount: text }, `entries[${index}].`);
  const type = nameOf(AccountType, accountType)!;
  return {
    amount,
    account: { type, currency, ...(route === undefined ? plainRoute(type) : routeOf(route)) },
  };
}

type ManualRoute = Omit<ManualEntry['account'], 'type' | 'currency'>;

/** Where no route is given: nothing was paid for it, and of a receivable nothing is authorized yet. */
const plainRoute = (type: Account): ManualRoute => ({
  featureKeys: [],
  priority: null,
  costBasis: 0n,
  stage: type === 'CUSTOMER_RECEIVABLE' ? 'OPEN' : null,
  tax: null,
});

const routeOf = ({ featureKeys, priority, costBasis, stage, tax }: Route): ManualRoute => ({
  featureKeys: featureKeys.toSorted(),
  priority: priority ?? null,
  costBasis: costBasis === undefined ? null : parseAmount(costBasis),
  stage: nameOf(ReceivableStage, stage),
  tax: taxOf(tax),
});
