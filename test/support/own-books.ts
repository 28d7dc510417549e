import { afterAll } from 'vitest';
import { createBookCache } from '../../src/book/book-cache.ts';
import { connect } from '../../src/db/database.ts';
import { uuidMaker, type UuidMaker } from '../../src/id.ts';
import { createBooks, type Books } from '../../src/write/books.ts';
import { testClock } from './clock.ts';
import { testDatabase } from './postgres.ts';
import { openSql, type Sql } from './sql.ts';

/** The write path alone, without a service around it, over a database of its own. */
export async function ownBooks(
  uuids: UuidMaker = uuidMaker(Date.now),
): Promise<{ readonly books: Books; readonly sql: Sql }> {
  const { url } = await testDatabase();
  const database = connect({ url, poolSize: 4 });
  const sql = await openSql(url);
  const books = createBooks({
    database,
    clock: testClock().clock,
    uuids,
    leewayMs: 0,
    lanes: 4,
    batchSize: 64,
    queueLimit: 1024,
    kept: createBookCache(1_000),
  });
  afterAll(async () => {
    await books.close();
    await Promise.all([database.close(), sql.end()]);
  });
  return { books, sql };
}
