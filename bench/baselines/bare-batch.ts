import { randomBytes, randomUUID } from 'node:crypto';
import { parseAmount } from '../../src/amount.ts';
import { bulkInsert, bulkUpdate } from '../../src/db/bulk.ts';
import {
  bigint,
  bytea,
  columnsOf,
  computed,
  inKey,
  integer,
  integers,
  jsonb,
  numeric,
  optional,
  smallint,
  text,
  timestamptz,
  uuid,
  columnSet,
} from '../../src/db/columns.ts';
import { connect, awaitAll, type Connection } from '../../src/db/database.ts';
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
  await awaitAll([
    updateBooks(connection, spends),
    insertWrites(connection, spends),
    updateGrants(connection, spends),
    insertCharges(connection, spends),
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

const changed = columnSet();
const shard = computed(inKey(smallint), (spend: Spend) => spend.book.shard);
const book_id = computed(inKey(bigint), (spend: Spend) => spend.book.bookId);
const version = computed(changed(bigint), (spend: Spend) => spend.book.version);
const now = computed(changed(timestamptz), (spend: Spend) => spend.now);

const updateBooks = bulkUpdate(
  'bare_books',
  'books',
  columnsOf<Spend>({
    shard,
    id: book_id,
    version,
    clock: now,
    head_hash: computed(changed(bytea), (spend) => spend.hash),
  }),
  [changed],
);
const updateGrants = bulkUpdate(
  'bare_grants',
  'grants',
  columnsOf<Spend>({
    shard,
    book_id,
    id: computed(inKey(uuid), (spend) => spend.book.grantId),
    remaining: computed(changed(numeric), (spend) => spend.book.remaining),
    consumed: computed(changed(numeric), (spend) => spend.book.consumed),
  }),
  [changed],
);
const insertWrites = bulkInsert(
  'writes',
  columnsOf<Spend>({
    shard,
    book_id,
    version,
    recorded_at: now,
    method: computed(text, () => 'ConsumeCredits'),
    idempotency_key: computed(text, (spend) => spend.key),
    request: computed(bytea, (spend) => spend.seeded.request),
    answer: computed(bytea, (spend) => spend.seeded.answer),
  }),
);
const insertCharges = bulkInsert(
  'charges',
  columnsOf<Spend>({
    shard,
    book_id,
    version,
    id: computed(uuid, (spend) => spend.charge),
    recorded_at: now,
    idempotency_key: computed(text, (spend) => spend.key),
    type: computed(text, () => 'FLAT_FEE'),
    settlement_mode: computed(text, () => 'PREPAID_ONLY'),
    currency: computed(text, () => SPEND.currency),
    precision: computed(smallint, () => 2),
    amount: computed(numeric, () => amount),
    name: computed(text, () => SPEND.name),
    description: computed(text, () => ''),
    labels: computed(jsonb, () => ({})),
    starts_at: now,
    hold_expires_at: computed(timestamptz, () => NEVER),
    status: computed(text, () => 'FINAL'),
    closed_at: now,
    collections: computed(integer, () => 1),
    collected: computed(numeric, () => amount),
    advanced: computed(numeric, () => 0n),
    invoiced: computed(numeric, () => 0n),
    closed_version: version,
  }),
);
const insertTransactions = bulkInsert(
  'transactions',
  columnsOf<Spend>({
    shard,
    book_id,
    version,
    ordinal: computed(integer, () => 1),
    kind: computed(text, () => 'CONSUME'),
    booked_at: now,
    recorded_at: now,
    grant_id: computed(uuid, (spend) => spend.book.grantId),
    charge_id: computed(uuid, (spend) => spend.charge),
    hash: computed(bytea, (spend) => spend.hash),
    first_position: computed(integer, () => 1),
    sub_accounts: computed(integers, ({ book }) => [book.fboOrdinal, book.accruedOrdinal]),
  }),
);
const insertEntries = bulkInsert(
  'entries',
  columnsOf<Entry>({
    shard: computed(smallint, ({ spend }) => spend.book.shard),
    book_id: computed(bigint, ({ spend }) => spend.book.bookId),
    version: computed(bigint, ({ spend }) => spend.book.version),
    position: computed(integer, (entry) => entry.position),
    transaction: computed(integer, () => 1),
    sub_account: computed(integer, (entry) => entry.account),
    kind: computed(text, () => 'CONSUME'),
    amount: computed(numeric, (entry) => entry.amount),
    running_total: computed(numeric, (entry) => entry.total),
    grant_id: computed(uuid, ({ spend }) => spend.book.grantId),
    grant_remaining: computed(optional(numeric), ({ spend, position }) =>
      position === 1 ? spend.book.remaining : null,
    ),
    charge_id: computed(uuid, ({ spend }) => spend.charge),
    booked_at: computed(timestamptz, ({ spend }) => spend.now),
  }),
);
