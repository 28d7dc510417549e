import { beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/db/database.ts';
import { transactionsOfWrites } from '../../src/ledger/read-journal.ts';
import { readMarks } from '../../src/tables/writers.ts';
import { readFeedPage, readTails } from '../../src/feed/feed-rows.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { testWorld } from '../support/world.ts';

/** What a feed asks costs the page it reads, however long the journal is. */

const { caller, sql } = await testWorld();

const WRITES = 40_000;
const LIMIT = 50;
let book: { shard: number; id: number; last: number };

// One real spend, and the same again and again as later versions, one position each.
beforeAll(async () => {
  await caller.answer('ConsumeCredits', spendRequest(CREDIT_ONLY));
  const [row] = await sql.rows<typeof book>('select shard, id, feed_position as last from books');
  book = row!;
  const versions = `from generate_series(2, ${WRITES}) v`;
  await sql.rows(
    `insert into writes (shard, book_id, version, recorded_at, method, feed_position)
     select shard, book_id, v, recorded_at, method, feed_position + v ${versions}, writes`,
  );
  await sql.rows(
    `insert into transactions (shard, book_id, version, ordinal, id, kind, booked_at, recorded_at, hash,
       first_position, sub_accounts)
     select shard, book_id, v, 1, gen_random_uuid(), kind, booked_at, recorded_at, hash,
            first_position, sub_accounts ${versions}, transactions`,
  );
  await sql.rows(
    `insert into entries (shard, book_id, version, position, transaction, sub_account, kind, amount, running_total,
       booked_at)
     select shard, book_id, v, position, 1, sub_account, kind, amount, running_total, booked_at ${versions}, entries`,
  );
  await sql.rows('vacuum (analyze) writes, transactions, entries, books, sub_accounts');
});

const LAST = WRITES + 10;
const pageAt = (position: number) => (connection: Connection) =>
  readFeedPage(connection, {
    shard: book.shard,
    namespace: 'default',
    end: book.last + LAST,
    limit: LIMIT,
    from: { position: book.last + position, inside: null },
  });
const writesAt = (version: number) => (connection: Connection) => {
  const versions = Array.from({ length: LIMIT }, (_, i) => version + i);
  const writes = versions.map((v) => ({ bookId: book.id, version: v, after: 0 }));
  return transactionsOfWrites(connection, book.shard, writes, 2 * LIMIT);
};

const questions: Readonly<Record<string, (connection: Connection) => Promise<unknown>>> = {
  'the writes of a page at the beginning': (connection) => pageAt(0)(connection),
  'the writes of a page in the middle': (connection) => pageAt(WRITES / 2)(connection),
  'the writes of a page at the end': (connection) => pageAt(WRITES - 20)(connection),
  'the writes after the last': (connection) => pageAt(WRITES + 5)(connection),
  'their transactions': (connection) => writesAt(WRITES / 2)(connection),
  'a mark': (connection) => readMarks(connection, [book.shard]).catch(() => null),
  'the end': (connection) => readTails(connection, [book.shard]).catch(() => null),
};

describe.each<Planning>(['custom', 'generic'])('planned %s', (planning) => {
  test.each(Object.entries(questions))('%s is read through indexes, a page at a time', async (_, ask) => {
    const connection = explaining(sql, planning);
    await ask(connection);
    const [plan] = connection.plans;
    expect(
      plan!.scans.filter((scan) => /Seq Scan/.test(scan) && !/^(books|sub_accounts)/.test(scan)),
    ).toEqual([]);
    // Three probes for each, of an index three pages deep and its table.
    expect(plan!.pages).toBeLessThan(LIMIT * 14);
  });
});

/** Runs the statement under explain, and for its rows besides. */
test.each<Planning>(['custom', 'generic'])(
  'the entries of a page are read by their keys (%s)',
  async (planning) => {
    const explained = explaining(sql, planning);
    const connection: Connection = {
      async run<Row>(statement: Parameters<Connection['run']>[0], params: readonly unknown[] = []) {
        await explained.run(statement, params);
        return sql.rows<Row>(statement.text, params);
      },
    };
    await writesAt(WRITES / 2)(connection);
    const [transactions, entries] = explained.plans;
    expect(entries!.statement).toBe('entries_of_transactions');
    expect(transactions!.pages).toBeLessThan(LIMIT * 14);
    // Two entries each.
    expect(entries!.pages).toBeLessThan(LIMIT * 20);
  },
);
