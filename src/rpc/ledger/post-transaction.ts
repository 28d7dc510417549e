import { parseAmount } from '../../amount.ts';
import type { Currencies } from '../../tables/currencies.ts';
import { checkPrecision } from '../../credit/precision.ts';
import type { AccountType as Account, Stage } from '../../ledger/account.ts';
import type { ManualEntry } from '../../ledger/manual-rules.ts';
import { asRead } from '../../ledger/read-journal.ts';
import { AccountType, ReceivableStage, type Route } from '#gen/ledger/v1/account_pb.ts';
import {
  PostTransactionRequestSchema,
  PostTransactionResponseSchema,
  type PostingEntry,
  type PostTransactionRequest,
  type PostTransactionResponse,
} from '#gen/ledger/v1/posting_pb.ts';
import type { CallContext } from '../call/context.ts';
import { keyOf, namespaceOf, taxOf } from '../decode.ts';
import type { ServiceDeps } from '../deps.ts';
import { repeatable } from '../repeatable.ts';
import { instantOf, nameOf, textOf, timestampOf } from '../wire.ts';
import { encodeMade } from './encode.ts';

export async function postTransaction(
  { books, currencies }: ServiceDeps,
  request: PostTransactionRequest,
  context: CallContext,
): Promise<PostTransactionResponse> {
  const key = keyOf(request);
  const namespace = namespaceOf(request);
  const entries = await Promise.all(
    request.entries.map((entry, i) => decode(currencies, namespace, entry, i)),
  );
  const { reason } = request;
  return books.submit(
    repeatable({
      ...{
        method: 'PostTransaction',
        input: PostTransactionRequestSchema,
        output: PostTransactionResponseSchema,
      },
      ...{ request, key, context },
      command: { kind: 'postManually', entries, reason, bookedAt: instantOf(request.bookedAt) },
      respond: ({ version, recordedAt, appended }) => ({
        transaction: encodeMade(key.customerId, asRead(appended, 'MANUAL', textOf(request.idempotencyKey))),
        version: BigInt(version),
        recordedAt: timestampOf(recordedAt),
      }),
    }),
  );
}

async function decode(
  currencies: Currencies,
  namespace: string,
  { accountType, currency, amount: text, route }: PostingEntry,
  index: number,
): Promise<ManualEntry> {
  const precision = await currencies.precisionOf(namespace, currency, `entries[${index}].currency`);
  const amount = parseAmount(text);
  checkPrecision({ currency, precision }, amount, `entries[${index}].amount`);
  const type = nameOf<Account>(AccountType, accountType)!;
  return {
    amount,
    account: { type, currency, ...(route === undefined ? plainRoute(type) : routeOf(route)) },
  };
}

type ManualRoute = Omit<ManualEntry['account'], 'type' | 'currency'>;

/** Where no route is given: nothing was paid for it, and of a receivable nothing is authorized yet. */
const plainRoute = (type: Account): ManualRoute => ({
  ...{ featureKeys: [], priority: null, costBasis: 0n, tax: null },
  stage: type === 'CUSTOMER_RECEIVABLE' ? 'OPEN' : null,
});

const routeOf = ({ featureKeys, priority, costBasis, stage, tax }: Route): ManualRoute => ({
  featureKeys: featureKeys.toSorted(),
  priority: priority ?? null,
  costBasis: costBasis === undefined ? null : parseAmount(costBasis),
  stage: nameOf<Stage>(ReceivableStage, stage),
  tax: taxOf(tax),
});
