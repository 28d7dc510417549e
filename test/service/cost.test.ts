import { fromJson } from '@bufbuild/protobuf';
import { createHandlerContext, type HandlerContext } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { createBooks } from '../../src/write/books.ts';
import { createBookCache } from '../../src/book/book-cache.ts';
import { createCurrencies } from '../../src/tables/currencies.ts';
import { createBalances } from '../../src/query/balances.ts';
import { connect } from '../../src/db/database.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import { creditService } from '../../src/rpc/credit/credit-service.ts';
import type { ServiceDeps } from '../../src/rpc/handler.ts';
import { createValidation } from '../../src/rpc/call/validation.ts';
import { day } from '../support/builders.ts';
import { repeat } from '../support/long-past.ts';
import { measured } from '../support/measured.ts';
import type { Plan } from '../support/plans.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { sumUp } from '../support/summed-up.ts';
import { testWorld } from '../support/world.ts';

/**
 * No statement's cost grows with the number of past grants or charges: every statement of each RPC is explained as it
 * runs, in a book with ten past grants and ten past charges and in one with 100,000 of each.
 */

const { caller, sql, time, databaseUrl } = await testWorld();

const MINUTE = 60_000;
const PAST = { few: 10, many: 100_000 } as const;
type Which = keyof typeof PAST;

/** Ids of what the questions name. */
type Book = {
  readonly middle: number;
  readonly openCharge: string;
  readonly pastCharge: string;
  readonly pastGrant: string;
};
const books = {} as Record<Which, Book>;

const plans: Plan[] = [];
const database = measured(connect({ url: databaseUrl, poolSize: 2 }), plans);
// Nothing is kept, so that every question and every write loads what it needs.
const kept = createBookCache(0);
const commit = { database, clock: time.clock, uuids: uuidMaker(() => time.now), kept, leewayMs: 0 };
// No stream is asked for, so there is nothing that feeds one.
const handlers = creditService({
  ...commit,
  commit,
  validate: createValidation([]),
  books: createBooks({ ...commit, lanes: 1, batchSize: 64, queueLimit: 64 }),
  balances: createBalances(commit),
  currencies: createCurrencies({ writes: database, lookups: database }, time.clock),
} as Partial<ServiceDeps> as ServiceDeps);
afterAll(() => database.close());

/** Lasting credit, a charge that is open, a promise; and then, over and over again, a grant that is used up. */
async function live(which: Which): Promise<Book> {
  const customerId = which;
  time.now = day(1);
  for (const priority of [100, 101]) {
    await caller.answer('CreateGrant', grantRequest({ customerId, priority, amount: '100000' }));
  }
  await caller.answer('CreateGrant', grantRequest({ customerId, effectiveAt: '2040-01-01T00:00:00Z' }));
  const { charge, version: after } = await caller.answer('CreateCharge', {
    ...spendRequest({ customerId, amount: '50' }),
    type: 'CHARGE_TYPE_FLAT_FEE',
    settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
  });
  time.now += MINUTE;
  const soon = at(time.now + MINUTE);
  await caller.answer(
    'CreateGrant',
    grantRequest({ customerId, priority: 1, amount: '4', effectiveAt: soon }),
  );
  time.now += 2 * MINUTE;
  await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '4' }));

  const [row] = await sql.rows<{ shard: number; id: number }>(
    'select shard, id from books where customer_id = $1',
    [customerId],
  );
  const cycle = { bookId: row!.id, after: Number(after), versions: 2, everyMs: 4 * MINUTE };
  await repeat(sql, cycle, PAST[which] - 1);
  await sumUp(sql, { shard: row!.shard, bookId: row!.id }, Number(after) + cycle.versions * PAST[which]);
  const middle = day(1) + (PAST[which] / 2) * cycle.everyMs;
  const [past] = await sql.rows<{ grant: string; charge: string }>(
    `select grant_id as grant, charge_id as charge from entries
     where book_id = $1 and booked_at > $2 and charge_id is not null and grant_id is not null order by booked_at limit 1`,
    [row!.id, at(middle)],
  );
  const { grant, charge: spent } = past!;
  return { middle, openCharge: charge.id, pastCharge: idOf('chg', spent), pastGrant: idOf('grt', grant) };
}

beforeAll(async () => {
  for (const which of ['few', 'many'] as const) books[which] = await live(which);
  time.now = day(1) + PAST.many * 4 * MINUTE + day(2);
});

/** The statements one RPC runs, with the pages each touched. */
async function planned(rpc: string, which: Which, request: object): Promise<readonly Plan[]> {
  const method = CreditService.methods.find(({ name }) => name === rpc)!;
  const handle = (
    handlers as unknown as Record<string, (message: unknown, context: HandlerContext) => Promise<unknown>>
  )[method.localName]!;
  plans.length = 0;
  time.now += 1;
  const message = fromJson(method.input, { customerId: which, ...request });
  const call = { method, service: CreditService, protocolName: 'grpc', requestMethod: 'POST', url: '' };
  await handle(message, createHandlerContext(call));
  // Those of one round trip come in any order.
  return plans.toSorted((a, b) => (a.statement < b.statement ? -1 : 1));
}

const past = ({ middle }: Book) => at(middle);
const QUESTIONS: Readonly<Record<string, readonly [rpc: string, request: (book: Book) => object]>> = {
  'a spend': ['ConsumeCredits', () => ({ currency: 'USD', amount: '1', idempotencyKey: 'k1' })],
  'a repeated spend': ['ConsumeCredits', () => ({ currency: 'USD', amount: '1', idempotencyKey: 'k1' })],
  'a balance now': ['GetBalance', () => ({})],
  'a balance to come': ['GetBalance', () => ({ asOf: at(time.now + day(9)) })],
  'a past balance': ['GetBalance', (book) => ({ asOf: past(book) })],
  'a balance as known in the past': ['GetBalance', (book) => ({ knownAt: past(book) })],
  'a past balance as known then': ['GetBalance', (book) => ({ asOf: past(book), knownAt: past(book) })],
  'a new grant': ['CreateGrant', () => ({ name: 'new', currency: 'USD', amount: '1' })],
  'a grant': ['GetGrant', ({ pastGrant }) => ({ grantId: pastGrant })],
  'a past grant then': ['GetGrant', (book) => ({ grantId: book.pastGrant, asOf: past(book) })],
  'the first grants': ['ListGrants', () => ({ pageSize: 10 })],
  'what is scheduled': ['ListScheduledGrants', () => ({})],
  'a collection': ['CollectCharge', ({ openCharge }) => ({ chargeId: openCharge, amount: '2' })],
  'a correction of the past': ['CorrectCharge', ({ pastCharge }) => ({ chargeId: pastCharge, amount: '1' })],
  'a charge': ['GetCharge', ({ pastCharge }) => ({ chargeId: pastCharge })],
  'the first charges': ['ListCharges', () => ({ pageSize: 10 })],
  'an adjustment down': ['CreateAdjustment', () => ({ currency: 'USD', amount: '-1' })],
  'the newest rows of the history': ['ListTransactions', () => ({ pageSize: 10 })],
  'rows of the past': ['ListTransactions', (book) => ({ pageSize: 4, bookedTo: past(book) })],
};

/** What grows with history and is read otherwise than by an index. */
const GROWING =
  /^(writes|grants|charges|allocations|scheduled_grants|transactions|entries): (?!Index|Bitmap|ModifyTable)/;

/** What was told late is summed up by blocks: a look into an index for each 4096 versions, and a stretch of small ones. */
const PAGES_OF_BLOCKS = 3 * ((2 * PAST.many) / 4_096) + 2 * 63;

const pagesOf = (of: readonly Plan[]): number => of.reduce((sum, { pages }) => sum + pages, 0);

test.for(Object.entries(QUESTIONS))('%s', async ([, [rpc, request]], { annotate }) => {
  const few = await planned(rpc, 'few', request(books.few));
  const many = await planned(rpc, 'many', request(books.many));

  expect(many.map(({ statement }) => statement)).toEqual(few.map(({ statement }) => statement));
  for (const [i, plan] of many.entries()) {
    // An index of a million rows is two or three pages deeper than one of ten.
    const blocks = plan.scans.some((scan) => scan.startsWith('late_sums')) ? PAGES_OF_BLOCKS : 0;
    expect(plan.pages, plan.statement).toBeLessThanOrEqual(4 * few[i]!.pages + 12 + blocks);
    expect(
      plan.scans.filter((scan) => GROWING.test(scan)),
      plan.statement,
    ).toEqual([]);
  }
  await annotate(`${many.length} statements, ${pagesOf(few)} pages with few, ${pagesOf(many)} with many`);
});

test('adding up all that happened instead would read it all', async () => {
  plans.length = 0;
  const text = `select sum(e.amount) from entries e join books b on b.id = e.book_id where b.customer_id = $1`;
  await database.run({ name: 'added_up', text }, ['many']);

  expect(pagesOf(plans)).toBeGreaterThan(5_000);
});
