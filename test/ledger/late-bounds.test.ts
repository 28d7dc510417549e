import { beforeAll, describe, expect, test, vi } from 'vitest';
import { formatAmount, parseAmount, sumAmounts, type Amount } from '../../src/amount.ts';
import { idOf } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import { LARGE, SMALL } from '../../src/ledger/late-entries.ts';
import { idIn } from '../../src/ledger/transaction-id.ts';
import { day } from '../support/builders.ts';
import { liveLate, randomFrom } from '../support/late-history.ts';
import { neighbour } from '../support/neighbours.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { tellSpends } from '../support/told-spends.ts';
import { transactionsOf } from '../support/transactions-rows.ts';
import { testWorld } from '../support/world.ts';

vi.setConfig({ testTimeout: 240_000 });

/**
 * Histories told late that begin, end and are known at the very bounds of the blocks that late entries are summed up in,
 * small and large: books of neighbours, two of which lived through anything, with their versions pushed on to where the
 * bounds are, and a third that spent from one grant all the time. What the service answers is held against adding up
 * their entries one by one.
 */

const { caller, time, sql, databaseUrl, url } = await testWorld();
const transactions = transactionsOf({ url });

const SEED = 20_261_129;
const MINUTE = 60_000;
const CUSTOMERS = [0, 1].map((i) => neighbour('late', i));
const SPENDER = neighbour('late', 2);
/** Before how many versions of each large block, and how many after its beginning, something is written. */
const [BEFORE, AFTER] = [2 * SMALL + 2, 2 * SMALL + 3];
const LARGE_BLOCKS = 3;

type Entry = {
  readonly book_id: number;
  readonly version: number;
  readonly position: number;
  readonly transaction_id: string;
  readonly booked_at: Instant;
  readonly recorded_at: Instant;
  readonly amount: Amount;
  readonly grant_id: string | null;
  readonly charge_id: string | null;
  readonly account_id: string;
  readonly type: string;
  readonly currency: string;
  readonly feature_keys: readonly string[];
  readonly cost_basis: Amount | null;
};
type Book = {
  readonly customerId: string;
  readonly writes: readonly { readonly version: number; readonly recorded_at: Instant }[];
  readonly entries: readonly Entry[];
  /** Where a row of late sums ends and the next of its series begins. */
  readonly ends: readonly Instant[];
};
const books: Book[] = [];
let until: Instant;

beforeAll(async () => {
  let from = day(1);
  for (let block = 0; block <= LARGE_BLOCKS; block += 1) {
    const commands = (block === 0 ? 0 : BEFORE) + AFTER;
    if (block > 0) await sql.rows('update books set version = $1', [block * LARGE - BEFORE]);
    for (const [i, customerId] of CUSTOMERS.entries()) {
      until = await liveLate(databaseUrl, customerId, { from, commands, seed: SEED + 10 * block + i });
    }
    from = until + MINUTE;
  }
  time.now = until + 1;
  await spendAllTheTime();
  for (const customerId of [...CUSTOMERS, SPENDER]) books.push(await readBook(customerId));
}, 240_000);

/** A spend a minute from one grant, all of them told when the last was, one a millisecond and in no order. */
async function spendAllTheTime(): Promise<void> {
  await sql.rows('grant update on writes, transactions, entries, allocations to current_user');
  await caller.answer('CreateGrant', grantRequest({ customerId: SPENDER, amount: '1000000' }));
  await caller.answer('ConsumeCredits', spendRequest({ customerId: SPENDER, amount: '1' }));
  const count = LARGE_BLOCKS * LARGE + BEFORE;
  const { bookId, from } = await tellSpends(sql, SPENDER, { count, told: 'at the end' });
  for (const table of ['writes', 'transactions', 'charges']) {
    await sql.rows(
      `update ${table} set recorded_at = recorded_at + version * interval '1 ms' where book_id = $1 and version > 2`,
      [bookId],
    );
  }
  time.now = from + (count + 2) * MINUTE;
  await sql.rows('update books set clock = $2 where id = $1', [bookId, at(time.now)]);
}

async function readBook(customerId: string): Promise<Book> {
  const entries = await sql.rows<Entry>(
    `select e.*, ${idIn('t')} as transaction_id, t.recorded_at, s.id as account_id, s.type, s.currency, s.feature_keys, s.cost_basis
       from books b
       join entries e on e.shard = b.shard and e.book_id = b.id
       join transactions t on t.book_id = b.id and t.version = e.version and t.ordinal = e.transaction
       join sub_accounts s on s.book_id = b.id and s.ordinal = e.sub_account
       where b.customer_id = $1 order by e.version, e.position`,
    [customerId],
  );
  const writes = await sql.rows<Book['writes'][number]>(
    `select w.version, w.recorded_at from writes w join books b on b.id = w.book_id
     where b.customer_id = $1 order by w.version`,
    [customerId],
  );
  const ends = await sql.rows<{ until_at: Instant }>(
    `select distinct l.until_at from late_sums l join books b on b.id = l.book_id
     where b.customer_id = $1 and l.until_at <> 'infinity' order by 1`,
    [customerId],
  );
  return { customerId, entries, writes, ends: ends.map(({ until_at }) => until_at) };
}

type Point = { readonly asOf: Instant; readonly knownAt: Instant };

/** Pairs of versions around bounds, half of them around the same: the last before the instant asked about, and the last known. */
function points({ writes, entries, ends }: Book, count: number, seed: number): readonly Point[] {
  const random = randomFrom(seed);
  const near = writes.filter(({ version }) => (version + 2) % SMALL < 4);
  return Array.from({ length: count }, (_, i) => {
    const a = random(near.length);
    const b = i % 2 === 0 ? random(near.length) : Math.min(near.length - 1, a + random(6));
    const knownAt = near[Math.max(a, b)]!.recorded_at;
    const atAnEnd = i % 5 === 0 && ends.length > 0;
    const asked = atAnEnd
      ? ends[random(ends.length)]!
      : i % 3 === 0
        ? entries[random(entries.length)]!.booked_at
        : near[Math.min(a, b)]!.recorded_at;
    return { asOf: Math.min(asked + (atAnEnd ? 0 : random(2) * 30_000), knownAt), knownAt };
  });
}

const toldBy = ({ entries }: Book, { asOf, knownAt }: Point): readonly Entry[] =>
  entries.filter((entry) => entry.recorded_at <= knownAt && entry.booked_at <= asOf);

/** What entries add up to, by a key of each; without those that come to nothing. */
function sums(entries: readonly Entry[], keyOf: (entry: Entry) => string | null): Json {
  const of = [...Map.groupBy(entries, keyOf)].flatMap(([key, own]) => {
    const sum = sumAmounts(own.map(({ amount }) => amount));
    return key === null || sum === 0n ? [] : [[key, formatAmount(sum)] as const];
  });
  return Object.fromEntries(of);
}
const shown = (rows: readonly Json[] = [], key: (row: Json) => string, amount: string): Json =>
  Object.fromEntries(rows.filter((row) => row[amount] !== '0').map((row) => [key(row), row[amount]]));

const grantOf = ({ type, grant_id }: Entry): string | null =>
  type === 'CUSTOMER_FBO' && grant_id !== null ? idOf('grt', grant_id) : null;
const isAdvance = ({ type, cost_basis }: Entry): boolean =>
  type === 'CUSTOMER_RECEIVABLE' && cost_basis === null;
const debtorOf = (entry: Entry): string | null => (isAdvance(entry) ? idOf('chg', entry.charge_id!) : null);
const settledIn = (entry: Entry): string | null =>
  entry.type === 'CUSTOMER_FBO' || isAdvance(entry) ? entry.currency : null;

describe.each([0, 1, 2])('as known at the bounds of blocks, of neighbour %i', (i) => {
  const customerId = [...CUSTOMERS, SPENDER][i]!;
  const asked = ({ asOf, knownAt }: Point) => ({ customerId, asOf: at(asOf), knownAt: at(knownAt) });
  const currencies = i < 2 ? ['USD', 'EUR'] : ['USD'];

  test('grants, advances, accounts and balances are what their entries add up to', async () => {
    for (const point of points(books[i]!, 40, SEED + i)) {
      const told = toldBy(books[i]!, point);
      const question = asked(point);
      const what = JSON.stringify(question);
      const explained = await Promise.all(
        currencies.map((currency) => caller.answer('ExplainBalance', { ...question, currency })),
      );
      const listed = (field: string) => explained.flatMap((one) => one[field] ?? []);
      expect(
        shown(listed('grants'), ({ grantId }) => grantId, 'settledAmount'),
        what,
      ).toEqual(sums(told, grantOf));
      // A charge may have made several.
      const owed = Map.groupBy(listed('advances'), ({ chargeId }: Json) => chargeId as string);
      expect([...owed.keys()].toSorted(), what).toEqual(Object.keys(sums(told, debtorOf)).toSorted());
      const { accounts } = await caller.answer('ListAccounts', question);
      expect(
        shown(accounts, ({ id }) => id, 'balance'),
        what,
      ).toEqual(sums(told, ({ account_id }) => idOf('acc', account_id)));
      const { balances } = await caller.answer('GetBalance', {
        ...question,
        featureFilter: { featureKey: 'b' },
      });
      const inScope = told.filter(
        ({ feature_keys: keys }) => keys.length === 0 || keys.some((key) => key === 'b'),
      );
      expect(
        shown(balances, ({ currency }) => currency, 'settled'),
        what,
      ).toEqual(sums(inScope, settledIn));
    }
  });

  test('grants are listed with what they hold, whether much of it was told late or little', async () => {
    for (const point of points(books[i]!, 12, SEED + 3 + i)) {
      const { grants } = await caller.answer('ListGrants', { ...asked(point), pageSize: 1_000 });
      expect(shown(grants, ({ id }) => id, 'remainingAmount')).toEqual(
        sums(toldBy(books[i]!, point), grantOf),
      );
    }
  });

  test('a page of the history begins with what was settled there, in each scope', async () => {
    for (const point of points(books[i]!, 25, SEED + 6 + i)) {
      const { asOf, knownAt } = point;
      const told = toldBy(books[i]!, point);
      for (const currency of currencies) {
        const { rows } = await transactions.page({
          customerId,
          currency,
          pageSize: 3,
          knownAt: at(knownAt),
          bookedTo: at(asOf + 1),
        });
        const expected = sums(told, settledIn)[currency] ?? '0';
        expect(rows[0]?.['balanceAfter'] ?? '0', JSON.stringify({ point, currency })).toBe(expected);
      }
    }
  });

  test('the journal between two instants has every entry that is booked there', async () => {
    const random = randomFrom(SEED + 9 + i);
    for (const point of points(books[i]!, 25, SEED + 12 + i)) {
      const from = point.asOf - random(300) * MINUTE;
      const request = {
        customerId,
        knownAt: at(point.knownAt),
        pageSize: 1_000,
        bookedFrom: at(from),
        bookedTo: at(point.asOf),
      };
      const entries: Json[] = [];
      for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
        const page = await caller.answer('ListEntries', { ...request, pageToken });
        entries.push(...(page['entries'] ?? []));
        pageToken = page['nextPageToken'];
      }
      const expected = books[i]!.entries.filter(
        (entry) =>
          entry.recorded_at <= point.knownAt && entry.booked_at >= from && entry.booked_at < point.asOf,
      );
      expect(entries.map(({ transactionId }) => transactionId)).toEqual(
        expected.map(({ transaction_id }) => idOf('txn', transaction_id)),
      );
    }
  });
});

test('where one row of sums ends and the next begins, each instant counts once', async () => {
  const { ends, writes, customerId } = books[2]!;
  const knownAt = writes.at(-1)!.recorded_at;
  expect(ends.length).toBeGreaterThan(LARGE / SMALL);
  const trial = async (of: object) => (await caller.answer('GetTrialBalance', of))['rows'] as Json[];
  const named = ({ currency, accountType }: Json): string => `${currency} ${accountType}`;
  for (const asOf of [1, 10, 40, ends.length - 1].map((nth) => ends[nth]!)) {
    const told = toldBy(books[2]!, { asOf, knownAt });
    const moment = { asOf: at(asOf), knownAt: at(knownAt) };
    const { accounts } = await caller.answer('ListAccounts', { customerId, ...moment });
    expect(shown(accounts, ({ id }) => id, 'balance')).toEqual(
      sums(told, ({ account_id }) => idOf('acc', account_id)),
    );
    const { grants } = await caller.answer('ListGrants', { customerId, ...moment });
    expect(shown(grants, ({ id }) => id, 'remainingAmount')).toEqual(sums(told, grantOf));
    const { balances } = await caller.answer('GetBalance', { customerId, ...moment });
    expect(shown(balances, ({ currency }) => currency, 'settled')).toEqual(sums(told, settledIn));
    const each = await Promise.all(books.map((book) => trial({ customerId: book.customerId, ...moment })));
    const added = [...Map.groupBy(each.flat(), named)].map(([name, rows]) => {
      return [name, formatAmount(sumAmounts(rows.map(({ amount }) => parseAmount(amount))))];
    });
    expect(shown(await trial(moment), named, 'amount')).toEqual(
      Object.fromEntries(added.filter(([, amount]) => amount !== '0')),
    );
  }
});

test('large blocks have been summed up of each book, so that there is something to read', async () => {
  const summed = await sql.rows<{ blocks: number }>(
    'select count(distinct block) as blocks from late_sums where level = 2 group by book_id',
  );

  expect(summed.map(({ blocks }) => blocks)).toEqual([LARGE_BLOCKS, LARGE_BLOCKS, LARGE_BLOCKS]);
});

test('the trial balance of everybody is what their entries add up to', async () => {
  for (const point of points(books[0]!, 30, SEED + 15)) {
    const { rows } = await caller.answer('GetTrialBalance', {
      asOf: at(point.asOf),
      knownAt: at(point.knownAt),
    });
    const told = books.flatMap((book) => toldBy(book, point));
    expect(shown(rows, ({ currency, accountType }) => `${currency} ${accountType}`, 'amount')).toEqual(
      sums(told, ({ currency, type }) => `${currency} ACCOUNT_TYPE_${type}`),
    );
  }
});
