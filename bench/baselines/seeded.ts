import { shardOf } from '../../src/tables/book-key.ts';
import { openSql } from '../../test/support/sql.ts';
import type { Amount } from '../../src/amount.ts';
import { customerId } from '../support/customers.ts';

/** A seeded customer's book as a baseline keeps it in memory, and counts it on. */
export type SeededBook = {
  readonly shard: number;
  readonly bookId: number;
  readonly grantId: string;
  version: number;
  remaining: Amount;
  consumed: Amount;
  /** Of the customer's FBO and accrued sub-account. */
  held: Amount;
  accrued: Amount;
  readonly fboOrdinal: number;
  readonly accruedOrdinal: number;
};

export type Seeded = {
  readonly books: readonly SeededBook[];
  /** What the service remembered of a seeding spend: requests and answers of the size every spend has. */
  readonly request: Buffer;
  readonly answer: Buffer;
};

/** Reads the first so many seeded customers, for baselines that write without reading. */
export async function readSeeded(databaseUrl: string, customers: number): Promise<Seeded> {
  const sql = await openSql(databaseUrl);
  const names = Array.from({ length: customers }, (_, number) => customerId(number));
  const books = await sql.rows<SeededBook>(
    `select b.shard, b.id as "bookId", b.version, g.id as "grantId", g.remaining, g.consumed,
            f.ordinal as "fboOrdinal", a.ordinal as "accruedOrdinal", g.remaining as held, g.consumed as accrued
     from books b
     join grants g on g.shard = b.shard and g.book_id = b.id
     join sub_accounts f on f.shard = b.shard and f.book_id = b.id and f.type = 'CUSTOMER_FBO'
     join sub_accounts a on a.shard = b.shard and a.book_id = b.id and a.type = 'CUSTOMER_ACCRUED'
     where b.shard = any($1) and b.customer_id = any($2)`,
    [[...new Set(names.map((name) => shardOf({ namespace: 'default', customerId: name })))], names],
  );
  const [remembered] = await sql.rows<Pick<Seeded, 'request' | 'answer'>>(
    `select request, answer from writes where idempotency_key = 'seed-spend' limit 1`,
  );
  await sql.end();
  if (books.length !== customers) throw new Error(`${books.length} of ${customers} customers are seeded`);
  return { books, ...remembered! };
}
