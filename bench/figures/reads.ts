import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatAmount } from '../../src/amount.ts';
import type { Sql } from '../../test/support/sql.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { readLikeThePredecessor } from '../baselines/predecessor.ts';
import { createClient } from '../load/client.ts';
import type { BalanceAsked } from '../load/job.ts';
import type { Bench } from '../support/bench.ts';
import type { Figure, Row } from '../support/figure.ts';
import { ENTRIES_OF_A_CYCLE, writeLongBook, type LongBook } from '../support/long-book.ts';
import { picture } from '../support/picture.ts';
import { resultsDirectory } from '../support/publish.ts';
import { agreement, ratioOf, typical, type Rounds } from '../support/rounds.ts';
import { median } from '../support/samples.ts';

/** From 10 entries and a grant to 1,000,000 entries and 100,000 grants, all but one of them past. */
const SIZES = [1, 10, 100, 1_000, 10_000, 100_000];
const QUICK_SIZES = [1, 10, 100, 1_000];

export const reads: Figure = {
  name: 'reads',
  goal: '1,000,000 entries against 10: ≤ 1.3 ×; a past instant against now: ≤ 2 ×; the predecessor’s way: ≥ 500 × slower',
  limit: 600,
  run: async (bench) => {
    const databaseUrl = await bench.database('empty');
    bench.say('writing the long books');
    const books = await Promise.all(
      (bench.quick ? QUICK_SIZES : SIZES).map((cycles) =>
        writeLongBook(databaseUrl, `${nameOf(cycles)}0`, cycles),
      ),
    );
    const sql = await bench.sql(databaseUrl);
    // As autovacuum would have done while they grew.
    await sql.rows('vacuum analyze');
    const { url } = await bench.service(databaseUrl);
    await validate(url, sql, books);

    const rounds = await measure(bench, url, sql, books);
    draw(bench, books, rounds);
    return rowsOf(books, rounds);
  },
};

const nameOf = (cycles: number): string => `long-${cycles}-`;
const NOW = 'now';
const PAST = 'past';
const KNOWN = 'known then';
const PAGE = 'rows';
const TIMELINE = 'timeline';
const PARTS = 'settled and pending';
const OLD = 'predecessor';
const seriesOf = (what: string, { cycles }: LongBook): string => `${what} ${cycles}`;

/** What the service answers is what reading everything gives; else nothing here would be worth measuring. */
async function validate(url: string, sql: Sql, books: readonly LongBook[]): Promise<void> {
  const client = createClient([url], 1);
  for (const { customerId, cycles } of books) {
    const { balances } = await client.call(CreditService.method.getBalance, { customerId });
    const expected = await readLikeThePredecessor(sql, customerId);
    const [ours] = balances;
    if (ours?.settled !== formatAmount(expected.settled) || ours.pending !== formatAmount(expected.pending)) {
      throw new Error(`${customerId} reads ${JSON.stringify(ours)}, all its entries say ${expected.settled}`);
    }
    const [count] = await sql.rows<{ count: number }>(
      `select count(*) from entries e join books b on b.shard = e.shard and b.id = e.book_id
       where b.customer_id = $1`,
      [customerId],
    );
    if (count!.count !== cycles * ENTRIES_OF_A_CYCLE)
      throw new Error(`${customerId} has ${count!.count} entries`);
  }
  client.close();
}

/** How long one reading takes, in ms, by series and round. A round asks everybody: ours in turn call by call, then theirs. */
async function measure(bench: Bench, url: string, sql: Sql, books: readonly LongBook[]): Promise<Rounds> {
  const load = bench.load();
  const asked = books.flatMap(seriesOfBook);
  const rounds: Record<string, number[]> = {};
  for (let round = 0; round < (bench.quick ? 2 : 5); round += 1) {
    const { latencies } = await load.run({
      calls: { kind: 'balance', servers: [url], asked },
      connections: 1,
      deadlineMs: 10_000,
      pace: { kind: 'closed', inFlight: 1 },
      warmUpSeconds: 1,
      seconds: bench.quick ? 3 : 6,
    });
    for (const { series } of asked) (rounds[series] ??= []).push(median(latencies[series]!));
    for (const book of books) (rounds[seriesOf(OLD, book)] ??= []).push(await predecessorMs(sql, book));
  }
  return rounds;
}

function seriesOfBook(book: LongBook): readonly BalanceAsked[] {
  const about = (what: string, more: Partial<BalanceAsked> = {}): BalanceAsked => ({
    series: seriesOf(what, book),
    prefix: nameOf(book.cycles),
    count: 1,
    between: null,
    about: 'balance',
    parts: [],
    ...more,
  });
  const between = [book.from + 1, book.until] as const;
  return [
    about(NOW),
    about(PAST, { between }),
    about(KNOWN, { between, about: 'balance known then' }),
    about(PARTS, { parts: ['SETTLED', 'PENDING'] }),
    // Rows and steps there are enough of.
    ...(book.cycles < 100
      ? []
      : [about(PAGE, { about: 'rows' }), about(TIMELINE, { between, about: 'timeline' })]),
  ];
}

async function predecessorMs(sql: Sql, book: LongBook): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const began = performance.now();
    await readLikeThePredecessor(sql, book.customerId);
    samples.push(performance.now() - began);
  }
  return median(samples);
}

function rowsOf(books: readonly LongBook[], rounds: Rounds): readonly Row[] {
  const [small, large] = [books[0]!, books.at(-1)!];
  const middling = books.find(({ cycles }) => cycles >= 100)!;
  const side = (what: string, book: LongBook, label: string) => ({
    what: label,
    value: typical(rounds, seriesOf(what, book)),
    unit: 'ms',
  });
  const compare = (
    measured: string,
    [mine, other]: readonly [
      mine: readonly [string, LongBook, string],
      other: readonly [string, LongBook, string],
    ],
    goal: Row['goal'],
    more: string,
  ): Row => {
    const [a, b] = [seriesOf(mine[0], mine[1]), seriesOf(other[0], other[1])];
    // "So many times slower" speaks of the other side.
    const [over, under] = goal?.bound === 'at least' ? [b, a] : [a, b];
    return {
      measured,
      goal,
      ours: side(...mine),
      other: side(...other),
      ratio: ratioOf(rounds, over, under),
      conditions: `medians; ${agreement(rounds, over, under)}; ${more}`,
    };
  };
  const size = ({ cycles }: LongBook) =>
    `${(cycles * ENTRIES_OF_A_CYCLE).toLocaleString('en-US')} entries, ${cycles.toLocaleString('en-US')} grants`;
  const overGrpc = 'over gRPC, one call at a time, series taken in turn call by call';
  return [
    compare(
      'GetBalance now, long book against short',
      [
        [NOW, large, size(large)],
        [NOW, small, size(small)],
      ],
      { bound: 'at most', value: 1.3 },
      overGrpc,
    ),
    compare(
      'GetBalance at a random past instant against now',
      [
        [PAST, large, `past, ${size(large)}`],
        [NOW, large, 'now'],
      ],
      { bound: 'at most', value: 2 },
      overGrpc,
    ),
    compare(
      'GetBalance at a random past instant as known then, against now',
      [
        [KNOWN, large, `past as known then, ${size(large)}`],
        [NOW, large, 'now'],
      ],
      null,
      overGrpc,
    ),
    compare(
      'ListTransactions, the newest 100 rows, long book against short',
      [
        [PAGE, large, size(large)],
        [PAGE, middling, size(middling)],
      ],
      { bound: 'at most', value: 2 },
      overGrpc,
    ),
    compare(
      'GetBalanceTimeline, two hours of the past, long book against short',
      [
        [TIMELINE, large, size(large)],
        [TIMELINE, middling, size(middling)],
      ],
      { bound: 'at most', value: 2 },
      overGrpc,
    ),
    compare(
      'settled and pending against the predecessor’s way',
      [
        [PARTS, large, size(large)],
        [OLD, large, 'all entries summed, all grants paged through'],
      ],
      { bound: 'at least', value: 500 },
      'ours over gRPC, the other in SQL without any RPC, same tables and indexes',
    ),
  ];
}

/** The picture of the docs: how long a reading takes, by the length of the book. */
function draw(bench: Bench, books: readonly LongBook[], rounds: Rounds): void {
  const line = (label: string, what: string) => ({
    label,
    points: books.map(
      (book) => [book.cycles * ENTRIES_OF_A_CYCLE, typical(rounds, seriesOf(what, book))] as const,
    ),
  });
  const lines = [
    line('all entries summed, all grants paged through', OLD),
    line('GetBalance at a past instant', PAST),
    line('GetBalance at a past instant as known then', KNOWN),
    line('GetBalance now', NOW),
  ];
  const axes = { title: 'Reading a balance', x: 'entries in the book', y: 'ms, median' };
  writeFileSync(join(resultsDirectory(bench.quick), 'reads.svg'), picture(axes, lines));
}
