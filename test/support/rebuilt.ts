import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '../../src/instant.ts';
import type { Finding } from './audit.ts';
import { rebuiltBook } from './rebuilt-book.ts';
import {
  rebuiltAdvance,
  rebuiltAllocations,
  rebuiltCharge,
  rebuiltRevenue,
  storedRevenue,
} from './rebuilt-charges.ts';
import { rebuiltGrant } from './rebuilt-grants.ts';
import { rebuiltLateSums } from './rebuilt-late-sums.ts';
import { rebuiltPromises } from './rebuilt-promises.ts';
import type { Sql } from './sql.ts';

/**
 * Law 7: what the service keeps ready as projections, computed again from facts and entries alone, in the plainest
 * way. Shares nothing with the code that keeps them but the classes of lengths.
 */

const SUM_KEY = ['kind', 'level', 'block', 'series', 'first_at'];

/** Rows of a projection that differ from what facts and entries say, with the columns that do. */
export async function staleProjections(sql: Sql): Promise<Finding[]> {
  return (await factsOf(sql)).flatMap((book) => [
    ...differences('books', ['id'], [book.book], [rebuiltBook(book)]),
    ...differences(
      'grants',
      ['id'],
      book.grants,
      book.grants.map((own) => rebuiltGrant(book, own)),
    ),
    ...differences(
      'charges',
      ['id'],
      book.charges,
      book.charges.map((own) => rebuiltCharge(book, own)),
    ),
    ...differences(
      'advances',
      ['charge_id', 'collection'],
      book.advances,
      book.advances.map((own) => rebuiltAdvance(book, own)),
    ),
    ...differences(
      'allocations',
      ['charge_id', 'version', 'position'],
      book.allocations,
      rebuiltAllocations(book),
    ),
    ...differences('allocations', ['charge_id', 'grant_id'], storedRevenue(book), rebuiltRevenue(book)),
    ...differences('late_sums', SUM_KEY, book.lateSums, rebuiltLateSums(book)),
    ...differences('scheduled_grants', ['grant_id', 'known_from'], book.promises, rebuiltPromises(book)),
  ]);
}

export type Row = Record<string, any>;

export type BookFacts = {
  readonly book: Row;
  readonly writes: readonly { version: number; recorded_at: Instant; feed_position: number; hash: Buffer }[];
  readonly grants: readonly Row[];
  /** Times and payment of grants until a version changed them, oldest first. */
  readonly formerTerms: readonly Row[];
  readonly charges: readonly Row[];
  readonly chargeEvents: readonly Row[];
  readonly advances: readonly Row[];
  readonly allocations: readonly Row[];
  /** Up to which version every slice has a row; none where nothing was recognized. */
  readonly splitsKept: readonly { through_version: number }[];
  readonly reductions: readonly Row[];
  readonly promises: readonly Row[];
  readonly lateSums: readonly Row[];
  /** How far late sums are there; none where nothing was summed up yet. */
  readonly lateSummed: readonly { below_version: number }[];
  /** With the type and cost basis of their sub-account, in version order. */
  readonly entries: readonly Row[];
  readonly transactions: readonly Row[];
};

const ENTRIES = `select e.*, s.id as account_id, s.type, s.cost_basis from entries e
  join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
  order by e.version, e.position`;

const LATE = {
  writes: 'select * from writes order by version',
  entries: ENTRIES,
  lateSummed: 'select * from late_summed',
  lateSums: `select book_id, kind, level, block, series, first_at, until_at,
       array(select extract(epoch from i)::float8 * 1000 from unnest(instants) i) as instants,
       array(select trim_scale(t)::text from unnest(totals) t) as totals
     from late_sums`,
};

const TABLES = {
  grants: 'select * from grants',
  formerTerms: 'select * from former_terms order by until_version',
  charges: 'select * from charges',
  chargeEvents: 'select * from charge_events order by version',
  advances: 'select * from advances',
  allocations: 'select * from allocations order by version, position',
  splitsKept: 'select * from splits_kept',
  reductions: 'select * from reductions order by version, position',
  promises: 'select * from scheduled_grants',
  ...LATE,
  transactions: 'select * from transactions order by version, ordinal',
};

/** Of late sums alone: all that needs no more than entries, however many there are. */
export const staleLateSums = async (sql: Sql): Promise<Finding[]> =>
  (await factsOf(sql, LATE)).flatMap((book) =>
    differences('late_sums', SUM_KEY, book.lateSums, rebuiltLateSums(book)),
  );

async function factsOf(
  sql: Sql,
  asked: Readonly<Record<string, string>> = TABLES,
): Promise<readonly BookFacts[]> {
  const books = await sql.rows<Row>('select * from books');
  const tables: [table: string, rows: Map<string, Row[]>][] = [];
  for (const [table, text] of Object.entries(asked)) {
    tables.push([table, Map.groupBy(await sql.rows<Row>(text), (row) => row['book_id'] as string)]);
  }
  return books.map(
    (book) =>
      ({
        book,
        ...Object.fromEntries(tables.map(([table, rows]) => [table, rows.get(book['id']) ?? []])),
      }) as never,
  );
}

/** Each stored row against the rebuilt one of the same key, in the columns that were rebuilt. */
function differences(
  table: string,
  key: readonly string[],
  stored: readonly Row[],
  rebuilt: readonly Row[],
): Finding[] {
  const nameOf = (row: Row) => key.map((column) => String(row[column])).join(' ');
  const should = new Map(rebuilt.map((row) => [nameOf(row), row]));
  const is = new Map(stored.map((row) => [nameOf(row), row]));
  return [...new Set([...should.keys(), ...is.keys()])].flatMap((row): Finding[] => {
    const [expected, found] = [should.get(row), is.get(row)];
    if (expected === undefined || found === undefined) {
      return [{ table, row, problem: expected === undefined ? 'superfluous' : 'missing' }];
    }
    return Object.keys(expected)
      .filter((column) => !isDeepStrictEqual(found[column], expected[column]))
      .map((column) => ({ table, row, column, stored: found[column], rebuilt: expected[column] }));
  });
}
