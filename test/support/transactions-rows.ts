import { formatAmount, parseAmount, sumAmounts } from '../../src/amount.ts';
import type { Instant } from '../../src/instant.ts';
import type { Scope } from '../../src/scope.ts';
import type { Asked } from './figures.ts';
import { CURRENCIES } from './histories.ts';
import { at } from './requests.ts';
import { call, type Json } from './service.ts';

/** A customer's history as the service lists it. The ledger has an RPC of the same name: hence a caller of its own. */

export type Page = { readonly rows: readonly Json[]; readonly next: string; readonly previous: string };

export type TransactionsCaller = {
  page(request: object): Promise<Page>;
  /** All rows; the history must fit on the largest page there is. */
  rows(request: object): Promise<readonly Json[]>;
};

export function transactionsOf({ url }: { readonly url: string }): TransactionsCaller {
  const page = async (request: object): Promise<Page> => {
    const result = await call(url, 'credit.v1.CreditService/ListTransactions', request);
    if (!result.ok) throw new Error(`${result.error.code} ${result.error.reason}: ${result.error.message}`);
    const { transactions = [], nextPageToken = '', previousPageToken = '' } = result.answer;
    return { rows: transactions, next: nextPageToken, previous: previousPageToken };
  };
  const rows = async (request: object): Promise<readonly Json[]> => {
    const { rows: all, next } = await page({ ...request, pageSize: 1_000 });
    if (next !== '') throw new Error('the history has more than one page');
    return all;
  };
  return { page, rows };
}

/** A question as the wire spells it. */
export const asking = (customerId: string, scope: Scope, { asOf, knownAt }: Asked = {}): object => ({
  customerId,
  ...(scope.kind === 'feature' && { featureFilter: { featureKey: scope.featureKey } }),
  ...(scope.kind === 'unrestricted' && { featureFilter: { unrestricted: true } }),
  ...(asOf !== undefined && { asOf: at(asOf) }),
  ...(knownAt !== undefined && { knownAt: at(knownAt) }),
});

export const bookedAt = (row: Json): Instant => Date.parse(row['bookedAt']);

export const inCurrency = (rows: readonly Json[], currency: string): readonly Json[] =>
  rows.filter((row) => row['currency'] === currency);

/** What rows add up to in each currency. */
export const totalsOf = (rows: readonly Json[]): readonly string[] =>
  CURRENCIES.map((currency) =>
    formatAmount(sumAmounts(inCurrency(rows, currency).map(({ amount }) => parseAmount(amount)))),
  );

/** What the type of a row says of its amount. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  TRANSACTION_TYPE_FUNDED: /^[^-]/,
  TRANSACTION_TYPE_CONSUMED: /^-/,
  TRANSACTION_TYPE_CORRECTED: /^[^-]/,
  TRANSACTION_TYPE_EXPIRED: /^-/,
  TRANSACTION_TYPE_VOIDED: /^-/,
  TRANSACTION_TYPE_ADJUSTED: /./,
};

/** Rows whose amount is nothing, or not what their type allows. */
export const oddAmounts = (rows: readonly Json[]): readonly Json[] =>
  rows.filter(({ type, amount }) => amount === '0' || ALLOWED[type]?.test(amount) !== true);

/**
 * Rows, the newest first, that do not go on from where the next older one of their currency ended; the oldest goes on
 * from 0. Nothing may be hidden.
 */
export const brokenLinks = (rows: readonly Json[]): readonly Json[] =>
  rows.filter((row, i) => {
    const before = inCurrency(rows.slice(i + 1), row['currency'])[0]?.['balanceAfter'] ?? '0';
    const after = formatAmount(parseAmount(row['balanceBefore']) + parseAmount(row['amount']));
    return row['balanceBefore'] !== before || row['balanceAfter'] !== after;
  });

/** Rows that do not come in order, newest first. */
export const outOfOrder = (rows: readonly Json[]): readonly Json[] =>
  rows.filter((row, i) => i > 0 && bookedAt(row) > bookedAt(rows[i - 1]!));

/** Rows that do not say what they are about, by the names the caller gave. */
export const misnamed = (rows: readonly Json[], names: ReadonlyMap<string, string>): readonly Json[] =>
  rows.filter(({ type, name, grantId, chargeId }) => {
    const ofCharge = /CONSUMED|CORRECTED/.test(type);
    if (type === 'TRANSACTION_TYPE_ADJUSTED') return chargeId !== undefined;
    const subject = ofCharge ? chargeId : grantId;
    return subject === undefined || names.get(subject) !== name || (!ofCharge && chargeId !== undefined);
  });

/** A row without what only a row that is booked has: a forecast of it is the same. */
export const unbooked = ({
  id: _id,
  recordedAt: _at,
  version: _version,
  forecast: _it,
  actor: _who,
  ...row
}: Json): Json => row;

/** Rows that are not marked as what they are: a forecast has no id, no version, no recorded_at and no actor; the others have. */
export const mismarked = (rows: readonly Json[]): readonly Json[] =>
  rows.filter(({ id, version, recordedAt, forecast = false }) =>
    [id, version, recordedAt].some((told) => (told === undefined) !== forecast),
  );

/** All pages of a size, forward from the newest to the oldest and back again, each as its rows in order. */
export async function walk(
  { page }: TransactionsCaller,
  request: object,
  between: () => Promise<void> = async () => {},
): Promise<{ readonly forward: readonly Json[]; readonly back: readonly Json[]; readonly pages: number }> {
  let last = await page(request);
  const forward = [...last.rows];
  let pages = 1;
  while (last.next !== '') {
    await between();
    last = await page({ ...request, pageToken: last.next });
    forward.push(...last.rows);
    pages += 1;
  }
  const back = [...last.rows];
  while (last.previous !== '') {
    last = await page({ ...request, pageToken: last.previous });
    back.unshift(...last.rows);
  }
  return { forward, back, pages };
}
