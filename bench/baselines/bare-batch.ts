import { randomBytes, randomUUID } from 'node:crypto';
import { parseAmount } from '../../src/amount.ts';
import { bulkInsert, bulkUpdate } from '../../src/db/bulk.ts';
import {
  bigint,
  bytea,
  integer,
  jsonb,
  numeric,
  smallint,
  text,
  timestamptz,
  uuid,
} from '../../src/db/columns.ts';
import { connect, settleAll, type Connection } from '../../src/db/database.ts';
import { processTime } from '../../src/db/clock.ts';
import { uuidMaker } from '../../src/id.ts';
import { NEVER } from '../../src/instant.ts';
import type { Caller } from '../load/calls.ts';
import { SPEND } from '../support/customers.ts';
import { readSeeded, type Seeded, type SeededBook } from './seeded.ts';

/**
 * The bare batched SQL: the rows a batch of spends leaves behind, and nothing else. No request, no check, no decision,
 * not even a lock or a read: what could be read is counted on in memory, and one batch per shard is under way at a time.
 * Sent as the service sends it (arrays, prepared, one round trip for all inserts), because nothing faster is known.
 * What the service reaches of this is what it leaves of the database.
 */
export async function bareBatches(
  databaseUrl: string,
  connections: number,
  customers: number,
  size: number,
): Promise<Caller> {
  const database = connect({ url: databaseUrl, poolSize: connections });
  const seeded = await readSeeded(databaseUrl, customers);
  const shards = [...Map.groupBy(seeded.books, (book) => book.shard).values()];
  const perform = async () => {
    const books = shards.shift();
    if (books === undefined) throw new Error('more batches are under way than there are shards');
    const chosen = someOf(books, size);
    await database.transaction((connection) => store(connection, seeded, chosen));
    shards.push(books);
    return { done: chosen.length, refused: [] };
  };
  return { next: () => ({ series: 'batch', perform }), close: () => database.close() };
}

/** Different books of one shard, from a random one on. */
function someOf(books: readonly SeededBook[], size: number): readonly SeededBook[] {
  const start = Math.floor(Math.random() * books.length);
  return [...books.slice(start), ...books.slice(0, start)].slice(0, size);
}

const amount = parseAmount(SPEND.amount);
const uuids = uuidMaker(processTime);

async function store(connection: Connection, seeded: Seeded, books: readonly SeededBook[]): Promise<void> {
  const now = processTime();
  const spends = books.map((book): Spend => {
    book.version += 1;
    book.remaining -= amount;
    book.consumed += amount;
    book.held -= amount;
    book.accrued += amount;
    return {
      book,
      seeded,
      now,
      charge: uuids(),
      transaction: uuids(),
      key: randomUUID(),
      hash: randomBytes(32),
    };
  });
  const entries = spends.flatMap((spend) => [
    { spend, position: 1, account: spend.book.fboOrdinal, amount: -amount, total: spend.book.held },
    { spend, position: 2, account: spend.book.accruedOrdinal, amount, total: spend.book.accrued },
  ]);
  await settleAll([
    updateBooks(connection, spends),
    insertWrites(connection, spends),
    insertRemembered(connection, spends),
    updateGrants(connection, spends),
    insertCharges(connection, spends),
    insertAllocations(connection, spends),
    insertTransactions(connection, spends),
    insertEntries(connection, entries),
  ]);
}

type Spend = {
  readonly book: SeededBook;
  readonly seeded: Seeded;
  readonly now: number;
  readonly charge: string;
  readonly transaction: string;
  readonly key: string;
  readonly hash: Buffer;
};
type Entry = {
  readonly spend: Spend;
  readonly position: number;
  readonly account: number;
  readonly amount: bigint;
  readonly total: bigint;
};

const shard = smallint((spend: Spend) => spend.book.shard);
const book_id = uuid((spend: Spend) => spend.book.bookId);
const version = bigint((spend: Spend) => spend.book.version);
const now = timestamptz((spend: Spend) => spend.now);

const updateBooks = bulkUpdate<Spend>('bare_books', 'books', ['shard', 'id'], {
  shard,
  id: book_id,
  version,
  clock: now,
  head_hash: bytea((spend) => spend.hash),
});
const updateGrants = bulkUpdate<Spend>('bare_grants', 'grants', ['shard', 'book_id', 'id'], {
  shard,
  book_id,
  id: uuid((spend) => spend.book.grantId),
  remaining: numeric((spend) => spend.book.remaining),
  consumed: numeric((spend) => spend.book.consumed),
});
const insertWrites = bulkInsert<Spend>('writes', {
  shard,
  book_id,
  version,
  recorded_at: now,
  method: text(() => 'ConsumeCredits'),
  idempotency_key: text((spend) => spend.key),
});
const insertRemembered = bulkInsert<Spend>('idempotency', {
  shard,
  book_id,
  key: text((spend) => spend.key),
  method: text(() => 'ConsumeCredits'),
  request: bytea((spend) => spend.seeded.request),
  answer: bytea((spend) => spend.seeded.answer),
});
const insertCharges = bulkInsert<Spend>('charges', {
  shard,
  book_id,
  version,
  id: uuid((spend) => spend.charge),
  recorded_at: now,
  idempotency_key: text((spend) => spend.key),
  type: text(() => 'FLAT_FEE'),
  settlement_mode: text(() => 'PREPAID_ONLY'),
  currency: text(() => SPEND.currency),
  precision: smallint(() => 2),
  amount: numeric(() => amount),
  name: text(() => SPEND.name),
  description: text(() => ''),
  labels: jsonb(() => ({})),
  starts_at: now,
  hold_expires_at: timestamptz(() => NEVER),
  status: text(() => 'FINAL'),
  closed_at: now,
  collections: integer(() => 1),
  collected: numeric(() => amount),
  advanced: numeric(() => 0n),
  invoiced: numeric(() => 0n),
  closed_version: version,
});
const insertAllocations = bulkInsert<Spend>('allocations', {
  shard,
  book_id,
  version,
  charge_id: uuid((spend) => spend.charge),
  position: integer(() => 1),
  collection: integer(() => 1),
  kind: text(() => 'SOURCE'),
  grant_id: uuid((spend) => spend.book.grantId),
  amount: numeric(() => amount),
  booked_at: now,
  returned: numeric(() => 0n),
  recognized: numeric(() => 0n),
});
const insertTransactions = bulkInsert<Spend>('transactions', {
  shard,
  book_id,
  version,
  ordinal: integer(() => 1),
  id: uuid((spend) => spend.transaction),
  kind: text(() => 'CONSUME'),
  booked_at: now,
  recorded_at: now,
  grant_id: uuid((spend) => spend.book.grantId),
  charge_id: uuid((spend) => spend.charge),
  hash: bytea((spend) => spend.hash),
});
const insertEntries = bulkInsert<Entry>('entries', {
  shard: smallint(({ spend }) => spend.book.shard),
  book_id: uuid(({ spend }) => spend.book.bookId),
  version: bigint(({ spend }) => spend.book.version),
  position: integer((entry) => entry.position),
  transaction: integer(() => 1),
  sub_account: integer((entry) => entry.account),
  kind: text(() => 'CONSUME'),
  amount: numeric((entry) => entry.amount),
  running_total: numeric((entry) => entry.total),
  grant_id: uuid(({ spend }) => spend.book.grantId),
  grant_remaining: numeric(({ spend, position }) => (position === 1 ? spend.book.remaining : null)),
  charge_id: uuid(({ spend }) => spend.charge),
  booked_at: timestamptz(({ spend }) => spend.now),
});
