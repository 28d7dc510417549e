import type { WrittenBook } from './stored-books.ts';
import type { Instant } from '../instant.ts';
import { differences, type Finding } from './finding.ts';

/** What a book's row should say, as far as its writes, grants and charges tell it. */
export type BookFacts = {
  /** The last write there is. */
  readonly lastVersion: number;
  readonly lastRecordedAt: Instant;
  /** Of the last write. */
  readonly feedPosition: number;
  /** When the open grants and charges change by themselves next. */
  readonly nextEventAt: Instant;
  /** Each currency of a grant or charge with the first version that had one. */
  readonly currencies: ReadonlyMap<string, number>;
};

/** The row of a book, but its head hash, which is the journal's business, and versions it knows and no write has. */
export function checkBook(book: WrittenBook, facts: BookFacts): Finding[] {
  const { version, clock, nextEventAt, feedPosition, key } = book;
  // A book ahead of its writes has a gap, which the journal tells of; its clock is of a write that is missing.
  const behind = facts.lastVersion >= version;
  const expected = {
    ...(behind && {
      version: facts.lastVersion,
      clock_at: facts.lastRecordedAt,
      feed_position: facts.feedPosition,
    }),
    ...{ next_event_at: facts.nextEventAt, currencies: told(facts.currencies) },
  };
  const currencies = told(Object.entries(book.currencies));
  const actual = {
    feed_position: feedPosition,
    version,
    clock_at: clock,
    next_event_at: nextEventAt,
    currencies,
  };
  return differences({ kind: 'PROJECTION', version }, `the book of ${key.customerId}`, expected, actual);
}

const told = (currencies: Iterable<readonly [string, number]>): string =>
  [...currencies]
    .map(([code, version]) => `${code} since version ${version}`)
    .toSorted()
    .join(', ');
