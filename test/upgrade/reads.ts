import type { Json } from '../support/service.ts';
import { at } from '../support/requests.ts';
import type { Keyed, Of, Past } from './fill.ts';
import type { Feed, Filled, Read, Summary } from './filled.ts';
import type * as FollowingModule from '../support/following.ts';
import type * as VerifierModule from '../support/verifier.ts';

/** Every question there is, about every customer there is, with what is answered. */

const CREDIT = 'credit.v1.CreditService';
const LEDGER = 'ledger.v1.LedgerService';
/** Enough pages to see that tokens go on, each way. */
const PAGES = 3;
const ALL = 1_000;
/** Cursors hardly compress: of so many one is kept. */
const CURSORS = 5;

export async function askEverything(past: Past, again: readonly Keyed[]): Promise<readonly Read[]> {
  const reads: Read[] = [];
  const ask = async (method: string, request: object): Promise<Json> => {
    const result = await past.call(past.url, method, request);
    if (!result.ok) throw new Error(`${method} ${JSON.stringify(request)}: ${result.error.message}`);
    reads.push({ method, request, answer: result.answer });
    return result.answer;
  };
  const books = await past.sql.rows<{ namespace: string; customerId: string }>(
    'select namespace, customer_id as "customerId" from books order by 1, 2',
  );
  for (const [i, book] of books.entries()) {
    if (book.namespace === 'default' || i % 4 === 0) await askAbout(ask, book, past.time.now);
    else await askBriefly(ask, book);
  }
  for (const namespace of new Set(books.map((book) => book.namespace))) {
    const customerIds = books.filter((book) => book.namespace === namespace).map((book) => book.customerId);
    await ask(`${CREDIT}/BatchGetBalances`, { namespace, customerIds });
    await ask(`${CREDIT}/ListScheduledGrants`, { namespace, pageSize: ALL });
  }
  await ask(`${CREDIT}/ListCurrencies`, { pageSize: ALL });
  for (const { method, request } of again) await ask(method, request);
  return reads;
}

async function askBriefly(ask: Ask, book: object): Promise<void> {
  await ask(`${CREDIT}/GetBalance`, book);
  await ask(`${CREDIT}/ListTransactions`, { ...book, pageSize: ALL });
  await ask(`${LEDGER}/ListEntries`, { ...book, pageSize: ALL });
}

type Ask = (method: string, request: object) => Promise<Json>;

async function askAbout(ask: Ask, book: object, now: number): Promise<void> {
  const credit = (rpc: string, request: object = {}) => ask(`${CREDIT}/${rpc}`, { ...book, ...request });
  const ledger = (rpc: string, request: object = {}) => ask(`${LEDGER}/${rpc}`, { ...book, ...request });
  await credit('ListTransactions', { pageSize: ALL });
  const journal: readonly Json[] =
    (await ledger('ListTransactions', { pageSize: ALL }))['transactions'] ?? [];
  const instants = instantsOf(journal, now);

  for (const moment of instants) {
    await credit('GetBalance', moment);
    await ledger('ListAccounts', { ...moment, pageSize: ALL });
    await credit('ListGrants', { ...moment, pageSize: ALL });
  }
  const { balances = [] } = await credit('GetBalance');
  for (const { currency } of balances) {
    for (const moment of instants) await ledger('GetTrialBalance', { currency, ...moment });
    await credit('ExplainBalance', { currency });
    await credit('ExplainBalance', { currency, ...instants[1] });
  }
  const from = journal.at(-1)?.['bookedAt'] ?? at(now);
  await credit('GetBalanceTimeline', { from, to: at(now + 86_400_000), maxPoints: 100 });
  const lists = [
    [credit, 'ListGrants'],
    [credit, 'ListScheduledGrants'],
    [credit, 'ListCharges'],
    [credit, 'ListTransactions'],
    [ledger, 'ListTransactions'],
    [ledger, 'ListEntries'],
    [ledger, 'ListAccounts'],
  ] as const;
  for (const [of, rpc] of lists) await turnPages(of, rpc);
  await askById(credit, ledger, journal);
}

type AskOne = (rpc: string, request?: object) => Promise<Json>;

async function turnPages(of: AskOne, rpc: string): Promise<void> {
  let page = await of(rpc, { pageSize: 3 });
  for (let turned = 0; turned < PAGES && page['nextPageToken']; turned += 1)
    page = await of(rpc, { pageSize: 3, pageToken: page['nextPageToken'] });
  if (page['previousPageToken']) await of(rpc, { pageSize: 3, pageToken: page['previousPageToken'] });
}

/** One of each kind that is found, and a few more. */
async function askById(credit: AskOne, ledger: AskOne, journal: readonly Json[]): Promise<void> {
  const of = (field: string) => [
    ...new Set(journal.flatMap(({ entries }) => entries.map((entry: Json) => entry[field])).filter(Boolean)),
  ];
  for (const grantId of of('grantId').slice(0, 4)) {
    await credit('GetGrant', { grantId });
    await ledger('ListEntries', { grantId, pageSize: ALL });
    await ledger('ListTransactions', { grantId, pageSize: 3 });
  }
  for (const chargeId of of('chargeId').slice(0, 4)) {
    await credit('GetCharge', { chargeId });
    await ledger('ListEntries', { chargeId, pageSize: ALL });
    await ledger('ListTransactions', { chargeId, pageSize: 3 });
  }
  for (const accountId of of('accountId').slice(0, 2)) {
    await ledger('GetAccount', { accountId });
    await ledger('ListEntries', { accountId, pageSize: ALL });
  }
  const byKind = new Map(journal.map((transaction) => [transaction['kind'], transaction]));
  for (const { id, groupId } of byKind.values()) {
    await ledger('GetTransaction', { transactionId: id });
    await ledger('ListEntries', { transactionId: id });
    await ledger('ListTransactions', { groupId, pageSize: 3 });
  }
  const key = journal.find(({ idempotencyKey }) => idempotencyKey)?.['idempotencyKey'];
  if (key !== undefined) await ledger('ListTransactions', { idempotencyKey: key });
}

/** Points of both axes of time: in the middle of what happened, known now and then, and ahead. */
function instantsOf(journal: readonly Json[], now: number): readonly object[] {
  const [newest, middle] = [journal[0], journal[Math.floor(journal.length / 2)]];
  if (newest === undefined || middle === undefined) return [{}, { asOf: at(now + 30 * 86_400_000) }];
  return [
    {},
    { asOf: middle['bookedAt'] },
    { knownAt: middle['recordedAt'] },
    { asOf: middle['bookedAt'], knownAt: newest['recordedAt'] },
    { asOf: at(now + 30 * 86_400_000) },
  ];
}

/** The streams of all namespaces, from their beginning. */
export async function followNamespaces({ url, time, sql }: Past, of: Of): Promise<readonly Feed[]> {
  const { watchTransactions, isBookmark } = await of<typeof FollowingModule>('test/support/following.ts');
  const feeds: Feed[] = [];
  for (const namespace of await namespacesOf(sql)) {
    const stream = watchTransactions(url, { namespace }, time);
    const told = (await stream.until(isBookmark)).slice(0, -1);
    stream.end();
    feeds.push({
      namespace,
      told: told.map(({ event, cursor }, i) => ({
        transaction: placed(event.value),
        ...(i % CURSORS === 0 && { cursor }),
      })),
    });
  }
  return feeds;
}

const namespacesOf = async (sql: Past['sql']): Promise<readonly string[]> =>
  (await sql.rows<{ namespace: string }>('select distinct namespace from books order by 1')).map(
    ({ namespace }) => namespace,
  );

/** What names a transaction of a stream. */
export function placed(transaction: unknown): unknown {
  const { id, customerId, version, position } = transaction as Json;
  return { id, customerId, version: String(version), position };
}

export const counted = ({ books, transactions, entries }: Record<keyof Summary, bigint>): Summary => ({
  books: String(books),
  transactions: String(transactions),
  entries: String(entries),
});

/** What a verification of each namespace counts, nothing being wrong. */
export async function verifyAll({ url, sql }: Past, of: Of): Promise<Filled['verified']> {
  const { verified } = await of<typeof VerifierModule>('test/support/verifier.ts');
  const counts: Record<string, Summary> = {};
  for (const namespace of await namespacesOf(sql)) {
    const { findings, summary } = await verified(url, { namespace });
    if (findings.length > 0) throw new Error(findings.map(({ message }) => message).join('\n'));
    counts[namespace] = counted(summary);
  }
  return counts;
}
