import type { Connection } from '../../src/db/database.ts';
import { sumUpLateEntries } from '../../src/ledger/late-entries.ts';
import type { Sql } from './sql.ts';

type Book = { readonly shard: number; readonly bookId: number };

/** Sums up what was told late in a book whose rows a test has made itself, as its writes would have. */
export async function sumUp(sql: Sql, { shard, bookId }: Book, version: number): Promise<void> {
  for (let before = -1, below = 0; below > before;) {
    before = below;
    await Promise.all(sumUpLateEntries(overSql(sql), [{ shard, bookId, first: 1, last: version }]));
    const [row] = await sql.rows<{ below_version: number }>(
      'select below_version from late_summed where book_id = $1',
      [bookId],
    );
    below = row?.below_version ?? 0;
  }
}

const overSql = (sql: Sql): Connection => ({
  run: async (statement, params = []) => (await sql.rows(statement.text, params)) as never[],
});
