import type { Connection, Statement } from '../db/database.ts';
import { FIRST_UUID, LAST_UUID } from '../id.ts';

/** Rows page by page, in order of what tells them apart. */

/** Each page from behind a text, until one is not full. */
export async function* pagesByText<Row>(
  size: number,
  read: (after: string) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string,
): AsyncGenerator<readonly Row[], void, undefined> {
  for (let after = ''; ;) {
    const page = await read(after);
    yield page;
    if (page.length < size) return;
    after = keyOf(page.at(-1)!);
  }
}

const PAGE = 500;

/** A page of the rows of a book in a table by id, from behind one, each with how many there are: some may be unreadable. */
export const pageById = (table: 'grants' | 'charges'): string => `
  select r.*, count(*) over () as page_size from (
    select * from ${table} r where r.shard = $1 and r.book_id = $2 and r.id > $3::uuid order by r.id limit ${PAGE}
  ) r`;

type PagedRow = { readonly id: string; readonly page_size: number };

/** Each page of a statement over {@link pageById}, and the ids it is of: those behind one, through another. */
export async function* pagesById<Row extends PagedRow>(
  connection: Connection,
  { shard, id: bookId }: { readonly shard: number; readonly id: number },
  page: Statement<Row>,
): AsyncGenerator<{ readonly rows: readonly Row[]; readonly after: string; readonly through: string }> {
  for (let after = FIRST_UUID; ;) {
    const rows = await connection.run(page, [shard, bookId, after]);
    const isLast = (rows[0]?.page_size ?? 0) < PAGE;
    const through = isLast ? LAST_UUID : rows.at(-1)!.id;
    yield { rows, after, through };
    if (isLast) return;
    after = through;
  }
}
