import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { formatAmount, parseAmount } from '../../src/amount.ts';
import { formatInstant } from '../../src/instant.ts';
import type { Sql } from '../../test/support/sql.ts';
import { createClient } from '../load/client.ts';
import type { BalanceAsked } from '../load/job.ts';
import type { Bench } from '../support/bench.ts';
import type { Figure, Row } from '../support/figure.ts';
import { writeToldBook, type Happening, type Telling, type ToldBook } from '../support/told-book.ts';
import { agreement, ratioOf, typical, type Rounds } from '../support/rounds.ts';
import { median } from '../support/samples.ts';

/** History told late against the same history told on time: each fact a minute late, and all of it once all was over. */

type Kind = { readonly what: Happening; readonly count: number; readonly goal: number };
type Book = ToldBook & Kind & { readonly told: Telling };

const KINDS: readonly Kind[] = [
  { what: 'spends', count: 10_000, goal: 2 },
  { what: 'spends', count: 100_000, goal: 5 },
  { what: 'grants', count: 10_000, goal: 2 },
];
const QUICK: readonly Kind[] = [
  { what: 'spends', count: 1_000, goal: 2 },
  { what: 'grants', count: 1_000, goal: 2 },
];
const TELLINGS: readonly Telling[] = ['on time', 'a minute late', 'at the end'];

/** What is asked about: at a random instant of the period, but for the last, which is about all of it. */
const QUESTIONS: readonly (readonly [about: BalanceAsked['about'], measured: string])[] = [
  ['rows', 'ListTransactions, the 100 rows before an instant'],
  ['balance', 'GetBalance at a past instant'],
  ['timeline', 'GetBalanceTimeline, two hours'],
  ['whole timeline', 'GetBalanceTimeline, the whole period'],
];

export const late: Figure = {
  name: 'late',
  goal: 'told late against told on time: 10,000 facts ≤ 2 ×, 100,000 ≤ 5 ×',
  limit: 1_800,
  run: async (bench) => {
    const databaseUrl = await bench.database('empty');
    const sql = await bench.sql(databaseUrl);
    // Rows are append-only for the service; here those of one book change places (told-book.ts).
    await sql.rows('grant update on transactions, entries, allocations to current_user');
    const books: Book[] = [];
    for (const kind of bench.quick ? QUICK : KINDS) {
      bench.say(`writing ${kind.count.toLocaleString('en-US')} ${kind.what}, told three ways`);
      for (const told of TELLINGS) {
        const customerId = `${nameOf({ ...kind, told })}0`;
        const book = await writeToldBook({ databaseUrl, sql }, customerId, { ...kind, told });
        books.push({ ...kind, told, ...book });
      }
    }
    // As autovacuum would have done while they grew.
    await sql.rows('vacuum analyze');
    const { url } = await bench.service(databaseUrl);
    await validate(url, sql, books);
    return rowsOf(await measure(bench, url, books), bench.quick ? QUICK : KINDS);
  },
};

type Named = Pick<Book, 'what' | 'count' | 'told'>;
const nameOf = ({ what, count, told }: Named): string => `${what}-${count}-${told.replaceAll(' ', '-')}-`;
const seriesOf = (about: string, book: Named): string => `${about} ${nameOf(book)}`;

/** A past balance is what its entries add up to, in every book; else nothing here would be worth measuring. */
async function validate(url: string, sql: Sql, books: readonly Book[]): Promise<void> {
  const client = createClient([url], 1);
  for (const { customerId, from, until } of books) {
    const then = from + Math.floor((until - from) / 3);
    const asOf = { seconds: BigInt(Math.floor(then / 1000)), nanos: (then % 1000) * 1e6 };
    const { balances } = await client.call(CreditService.method.getBalance, { customerId, asOf });
    const [added] = await sql.rows<{ amount: bigint }>(
      `select sum(e.amount) as amount from entries e
       join books b on b.shard = e.shard and b.id = e.book_id
       join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
       where b.customer_id = $1 and s.type = 'CUSTOMER_FBO' and e.booked_at <= $2`,
      [customerId, formatInstant(then)],
    );
    if (parseAmount(balances[0]!.settled!) !== added!.amount) {
      throw new Error(
        `${customerId} had ${balances[0]!.settled}, entries say ${formatAmount(added!.amount)}`,
      );
    }
  }
  client.close();
}

/** How long one reading takes, in ms, by series and round. A round asks everybody in turn, call by call. */
async function measure(bench: Bench, url: string, books: readonly Book[]): Promise<Rounds> {
  const load = bench.load();
  const rounds: Record<string, number[]> = {};
  for (let round = 0; round < (bench.quick ? 2 : 5); round += 1) {
    for (const [about] of QUESTIONS) {
      const asked = books.map((book): BalanceAsked => ({
        series: seriesOf(about, book),
        prefix: nameOf(book),
        count: 1,
        about,
        parts: [],
        between: [book.from + 1, book.until],
      }));
      const whole = about === 'whole timeline';
      const { latencies, refused } = await load.run({
        calls: { kind: 'balance', servers: [url], asked },
        connections: 1,
        deadlineMs: 60_000,
        pace: { kind: 'closed', inFlight: 1 },
        warmUpSeconds: whole ? 0 : 1,
        seconds: bench.quick ? 2 : whole ? 15 : 5,
      });
      if (Object.keys(refused).length > 0) throw new Error(`${about}: ${JSON.stringify(refused)}`);
      for (const { series } of asked) (rounds[series] ??= []).push(median(latencies[series]!));
    }
  }
  return rounds;
}

const rowsOf = (rounds: Rounds, kinds: readonly Kind[]): readonly Row[] =>
  kinds.flatMap(({ what, count, goal }) =>
    QUESTIONS.flatMap(([about, measured]) => {
      const other = seriesOf(about, { what, count, told: 'on time' });
      return TELLINGS.filter((told) => told !== 'on time').map((told): Row => {
        const ours = seriesOf(about, { what, count, told });
        return {
          measured: `${measured}, of ${count.toLocaleString('en-US')} ${what} told ${told}`,
          ours: { what: told, value: typical(rounds, ours), unit: 'ms' },
          other: { what: 'on time', value: typical(rounds, other), unit: 'ms' },
          ratio: ratioOf(rounds, ours, other),
          goal: { bound: 'at most', value: goal },
          conditions: `medians; ${agreement(rounds, ours, other)}; over gRPC, one call at a time, in turn call by call`,
        };
      });
    }),
  );
