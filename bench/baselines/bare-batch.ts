import { randomBytes, randomUUID } from 'node:crypto';
import { formatAmount, parseAmount } from '../../src/amount.ts';
import { bulkInsert, bulkUpdate } from '../../src/db/bulk.ts';
import { connect, settleAll, type Connection } from '../../src/db/database.ts';
import { timestamp } from '../../src/db/types.ts';
import { processTime } from '../../src/db/clock.ts';
import { uuidMaker } from '../../src/id.ts';
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
  const now = timestamp(processTime());
  const spends = books.map((book) => {
    book.version += 1;
    book.remaining -= amount;
    book.consumed += amount;
    book.held -= amount;
    book.accrued += amount;
    const { shard, bookId, version } = book;
    return { book, base: { shard, book_id: bookId, version }, charge: uuids(), key: randomUUID() };
  });
  await settleAll([
    updateBooks(
      connection,
      spends.map(({ book }) => ({
        ...idOf(book),
        version: book.version,
        clock: now,
        head_hash: randomBytes(32),
      })),
    ),
    insertWrites(
      connection,
      spends.map(({ base, key }) => ({
        ...base,
        recorded_at: now,
        method: 'ConsumeCredits',
        idempotency_key: key,
      })),
    ),
    insertRemembered(
      connection,
      spends.map(({ base, key }) => ({
        shard: base.shard,
        book_id: base.book_id,
        key,
        method: 'ConsumeCredits',
        request: seeded.request,
        answer: seeded.answer,
      })),
    ),
    updateGrants(
      connection,
      spends.map(({ book, base }) => ({
        shard: base.shard,
        book_id: base.book_id,
        id: book.grantId,
        remaining: formatAmount(book.remaining),
        consumed: formatAmount(book.consumed),
      })),
    ),
    insertCharges(
      connection,
      spends.map((spend) => chargeRow(spend, now)),
    ),
    insertAllocations(
      connection,
      spends.map(({ book, base, charge }) => ({
        ...base,
        charge_id: charge,
        position: 1,
        collection: 1,
        kind: 'SOURCE',
        grant_id: book.grantId,
        amount: SPEND.amount,
        booked_at: now,
        returned: '0',
        recognized: '0',
      })),
    ),
    insertTransactions(
      connection,
      spends.map(({ book, base, charge }) => ({
        ...base,
        ordinal: 1,
        id: uuids(),
        kind: 'CONSUME',
        booked_at: now,
        recorded_at: now,
        grant_id: book.grantId,
        charge_id: charge,
        hash: randomBytes(32),
      })),
    ),
    insertEntries(
      connection,
      spends.flatMap((spend) => entryRows(spend, now)),
    ),
  ]);
}

type Spend = {
  readonly book: SeededBook;
  readonly base: { readonly shard: number; readonly book_id: string; readonly version: number };
  readonly charge: string;
  readonly key: string;
};

const idOf = ({ shard, bookId }: SeededBook) => ({ shard, id: bookId });

const chargeRow = ({ base, charge, key }: Spend, now: string) => ({
  ...{ ...base, id: charge, recorded_at: now, idempotency_key: key },
  ...{ type: 'FLAT_FEE', settlement_mode: 'PREPAID_ONLY', currency: SPEND.currency, precision: 2 },
  ...{ amount: SPEND.amount, name: SPEND.name, description: '', labels: '{}' },
  ...{ starts_at: now, hold_expires_at: 'infinity', status: 'FINAL', closed_at: now, collections: 1 },
  ...{ collected: SPEND.amount, advanced: '0', invoiced: '0', closed_version: base.version },
});

const entryRows = ({ book, base, charge }: Spend, now: string) => {
  const both = {
    ...base,
    transaction: 1,
    kind: 'CONSUME',
    grant_id: book.grantId,
    charge_id: charge,
    booked_at: now,
  };
  const fbo = {
    sub_account: book.fboOrdinal,
    amount: `-${SPEND.amount}`,
    running_total: formatAmount(book.held),
  };
  const accrued = {
    sub_account: book.accruedOrdinal,
    amount: SPEND.amount,
    running_total: formatAmount(book.accrued),
  };
  return [
    { ...both, ...fbo, position: 1, grant_remaining: formatAmount(book.remaining) },
    { ...both, ...accrued, position: 2, grant_remaining: null },
  ];
};

const KEY = { shard: 'smallint', book_id: 'uuid', version: 'bigint' } as const;

const updateBooks = bulkUpdate('bare_books', 'books', ['shard', 'id'], {
  ...{ shard: 'smallint', id: 'uuid', version: 'bigint', clock: 'timestamptz', head_hash: 'bytea' },
});
const updateGrants = bulkUpdate('bare_grants', 'grants', ['shard', 'book_id', 'id'], {
  ...{ shard: 'smallint', book_id: 'uuid', id: 'uuid', remaining: 'numeric', consumed: 'numeric' },
});
const insertWrites = bulkInsert('writes', {
  ...{ ...KEY, recorded_at: 'timestamptz', method: 'text', idempotency_key: 'text' },
});
const insertRemembered = bulkInsert('idempotency', {
  ...{ shard: 'smallint', book_id: 'uuid', key: 'text', method: 'text', request: 'bytea', answer: 'bytea' },
});
const insertCharges = bulkInsert('charges', {
  ...{ ...KEY, id: 'uuid', recorded_at: 'timestamptz', idempotency_key: 'text', type: 'text' },
  ...{ settlement_mode: 'text', currency: 'text', precision: 'smallint', amount: 'numeric', name: 'text' },
  ...{ description: 'text', labels: 'jsonb', starts_at: 'timestamptz', hold_expires_at: 'timestamptz' },
  ...{ status: 'text', closed_at: 'timestamptz', collections: 'integer', collected: 'numeric' },
  ...{ advanced: 'numeric', invoiced: 'numeric', closed_version: 'bigint' },
});
const insertAllocations = bulkInsert('allocations', {
  ...{
    ...KEY,
    charge_id: 'uuid',
    position: 'integer',
    collection: 'integer',
    kind: 'text',
    grant_id: 'uuid',
  },
  ...{ amount: 'numeric', booked_at: 'timestamptz', returned: 'numeric', recognized: 'numeric' },
});
const insertTransactions = bulkInsert('transactions', {
  ...{ ...KEY, ordinal: 'integer', id: 'uuid', kind: 'text', booked_at: 'timestamptz' },
  ...{ recorded_at: 'timestamptz', grant_id: 'uuid', charge_id: 'uuid', hash: 'bytea' },
});
const insertEntries = bulkInsert('entries', {
  ...{ ...KEY, position: 'integer', transaction: 'integer', sub_account: 'integer', kind: 'text' },
  ...{ amount: 'numeric', running_total: 'numeric', grant_id: 'uuid', grant_remaining: 'numeric' },
  ...{ charge_id: 'uuid', booked_at: 'timestamptz' },
});
