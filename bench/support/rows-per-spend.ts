import type { Sql } from '../../test/support/sql.ts';
import { CUSTOMERS } from './customers.ts';

/** Rows each seeded customer begins with: those of a grant and a spend. */
const SEEDED = { writes: 2, idempotency: 0, charges: 1, allocations: 0, transactions: 2, entries: 6 };

/** How many rows each table has gained per spend since the seeding; of `books` and `grants`, what was counted on. */
export async function rowsPerSpend(sql: Sql): Promise<Readonly<Record<string, number>>> {
  const counts = Object.keys(SEEDED).map((table) => `(select count(*) from ${table}) as ${table}`);
  const [row] = await sql.rows<Record<string, number>>(
    `select ${counts.join(', ')}, (select sum(version) from books)::bigint as books,
            (select sum(consumed) * 100 from grants)::bigint as grants`,
  );
  const spends = row!['charges']! - CUSTOMERS;
  const seeded: Readonly<Record<string, number>> = { ...SEEDED, books: 2, grants: 1 };
  return Object.fromEntries(
    Object.entries(row!).map(([table, count]) => [table, (count - seeded[table]! * CUSTOMERS) / spends]),
  );
}
