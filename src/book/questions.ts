import { awaitWriter } from '../tables/books.ts';
import { LONGEST_WRITE_MS } from '../tables/writers.ts';
import { locate, type BookView, type Moment, type WrittenView } from './view.ts';
import type { BookKey } from '../tables/book-key.ts';
import { databaseTime, waitUntil, type DatabaseClock } from '../db/clock.ts';
import { awaitAll, type Connection, type Database } from '../db/database.ts';
import { refuse } from '../refusal.ts';

/** What every question needs: the database it asks and what now is. */
export type QueryDeps = { readonly database: Database; readonly clock: DatabaseClock };

/** A question about one customer's book at a moment. */
export type Asked = Moment & {
  readonly key: BookKey;
  /** The version the answer must at least reflect, to read one's own write; 0 asks for none. */
  readonly minVersion: number;
};

/** How long a question waits for a database that lags behind the caller's own write. */
const CATCH_UP_MS = 1_000;

/** An answer with where on both axes it stands. */
export type Viewed<Answer> = Answer & { readonly view: BookView };

/**
 * Answers a question about a book from one consistent snapshot. Waits briefly for `minVersion`, then refuses with
 * NOT_CAUGHT_UP.
 */
export async function ask<Answer>(
  deps: QueryDeps,
  asked: Asked,
  answer: (connection: Connection, view: BookView) => Promise<Answer>,
): Promise<Viewed<Answer>> {
  const locateIt = async (connection: Connection) => [await locate(connection, deps.clock, asked.key, asked)];
  const [only] = await answerEach(deps, [asked], asked, locateIt, answer);
  return only!;
}

/** The same of a book that somebody has written about; of any other the answer is `none`. */
export const askWritten = <Answer>(
  deps: QueryDeps,
  asked: Asked,
  none: Answer,
  answer: (connection: Connection, view: WrittenView) => Promise<Answer>,
): Promise<Viewed<Answer>> =>
  ask(deps, asked, async (connection, view) => (view.bookId === null ? none : answer(connection, view)));

/** A book as many are asked about at once, with the version that its answer must at least reflect; 0 asks for none. */
export type AskedBook = Pick<Asked, 'key' | 'minVersion'>;

/** As `ask` about many books as of one moment, in their order. */
export const askAll = <Answer>(
  deps: QueryDeps,
  books: readonly AskedBook[],
  moment: Moment,
  answer: (connection: Connection, view: BookView) => Promise<Answer>,
): Promise<readonly Viewed<Answer>[]> => {
  const locateAll = async (connection: Connection) => {
    const now = deps.clock.reads(await databaseTime(connection));
    const atOnce = { reads: () => now };
    return awaitAll(books.map(({ key }) => locate(connection, atOnce, key, moment)));
  };
  return answerEach(deps, books, moment, locateAll, answer);
};

async function answerEach<Answer>(
  { database }: QueryDeps,
  books: readonly AskedBook[],
  moment: Moment,
  locateEach: (connection: Connection) => Promise<readonly BookView[]>,
  answer: (connection: Connection, view: BookView) => Promise<Answer>,
): Promise<readonly Viewed<Answer>[]> {
  const attempt = (settled: boolean) =>
    database.snapshot(async (connection) => {
      const views = await locateEach(connection);
      // With known_at the answer is of the past on purpose; the book itself must have got there.
      const behind = firstBehind(books, views);
      if (behind !== null) return { behind };
      const unsettled = settled ? [] : views.filter((view) => mayBeUnderWay(view, moment));
      if (unsettled.length > 0) return { unsettled };
      const answers = views.map(async (view) => ({ ...(await answer(connection, view)), view }));
      return { value: await awaitAll(answers) };
    });
  return caughtUp(async () => {
    const first = await attempt(false);
    if (!('unsettled' in first)) return first;
    for (const { key } of first.unsettled) await awaitWriter(database, key);
    return (await attempt(true)) as Exclude<typeof first, { unsettled: unknown }>;
  });
}

/** The version of the first book that has not got there; null: all have. */
export function firstBehind(
  books: readonly AskedBook[],
  views: readonly Pick<BookView, 'latest'>[],
): number | null {
  const behind = books.find(({ minVersion }, i) => views[i]!.latest < minVersion);
  return behind?.minVersion ?? null;
}

/** Whether a write that is not to be seen yet may have been recorded by the instant the question names (law 8). */
const mayBeUnderWay = ({ now, clock, current }: BookView, { knownAt, lastVersion }: Moment): boolean =>
  knownAt !== null &&
  lastVersion === undefined &&
  current &&
  knownAt >= clock &&
  now - knownAt < LONGEST_WRITE_MS;

/**
 * Repeats an attempt for a short while, until the books have got to the versions asked for; else NOT_CAUGHT_UP.
 * `behind` is the version of one that has not got there.
 */
export async function caughtUp<Answer>(
  attempt: () => Promise<{ readonly value: Answer } | { readonly behind: number }>,
): Promise<Answer> {
  const first = await attempt();
  if ('value' in first) return first.value;
  let { behind } = first;
  const there = async () => {
    const outcome = await attempt();
    if ('value' in outcome) return outcome;
    behind = outcome.behind;
    return undefined;
  };
  const found = await waitUntil(there, { timeoutMs: CATCH_UP_MS, everyMs: 25 });
  return found === undefined ? notCaughtUp(behind) : found.value;
}

export const notCaughtUp = (version: number): never =>
  refuse('NOT_CAUGHT_UP', `the book has not reached version ${version} here yet`);
