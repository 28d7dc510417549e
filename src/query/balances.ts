import type { BookKey } from '../tables/book-key.ts';
import { emptyBook } from '../credit/book-state.ts';
import type { BookCache } from '../book/book-cache.ts';
import { balancesNow } from '../book/lasting.ts';
import { statesNow } from '../book/state-at.ts';
import { isWritten, locateNow, markOf, type Moment } from '../book/view.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { booksOnce } from '../db/placement.ts';
import { gather } from '../db/gather.ts';
import { promisedNow } from '../pending/index-reader.ts';
import { asksBooked, balancesFrom, balancesIn, bookedOf, type Figures } from '../credit/figures.ts';
import { getBalance, getBalances, type BalanceAnswer, type BalanceQuestion } from './get-balance.ts';
import { caughtUp, firstBehind, type AskedBook, type QueryDeps } from '../book/questions.ts';

/** Balances, until the signal of whoever asks aborts; where those asked about now share snapshots: most questions are about now, and many come at once. */
export type Balances = {
  get(question: BalanceQuestion, signal: AbortSignal): Promise<BalanceAnswer>;
  /** Of many customers, as of one moment; in their order. */
  getMany(
    books: readonly AskedBook[],
    asked: Moment & Figures,
    signal: AbortSignal,
  ): Promise<readonly BalanceAnswer[]>;
};

type NowQuestion = { readonly key: BookKey; readonly figures: Figures };

// A round over kept books is one short statement: what comes meanwhile travels together in the next.
const KEPT_ROUNDS = { atOnce: 1, most: 100 };
// Two, so that one round is read while the answers of the other are made; a round stays short for those who wait.
const LOADED_ROUNDS = { atOnce: 2, most: 100 };

export type BalancesDeps = QueryDeps & { readonly kept: BookCache };

export function createBalances(deps: BalancesDeps): Balances {
  const fromKept = (questions: readonly NowQuestion[], { database } = deps) =>
    keptBalances({ ...deps, database }, questions);
  const fromLoaded = (questions: readonly NowQuestion[], { database } = deps) =>
    database.snapshot((connection) => loadedBalances(connection, deps, questions));
  const kept = gather((questions: readonly NowQuestion[]) => fromKept(questions), KEPT_ROUNDS);
  const loaded = gather((questions: readonly NowQuestion[]) => fromLoaded(questions), LOADED_ROUNDS);
  const until = (signal: AbortSignal) => ({ ...deps, database: deps.database.until(signal) });
  return {
    get: (question, signal) =>
      isNow(question)
        ? caughtUp(async () => {
            const { key, minVersion } = question;
            const asked = { key, figures: question };
            // A book that must be loaded holds up no question about one that need not.
            const value = (await kept(asked, signal)) ?? (await loaded(asked, signal));
            return value.view.latest < minVersion ? { behind: minVersion } : { value };
          })
        : getBalance(until(signal), question),
    async getMany(books, asked, signal) {
      const own = until(signal);
      if (!isNow(asked)) return getBalances(own, books, asked);
      const questions = books.map(({ key }) => ({ key, figures: asked }));
      return caughtUp(async () => {
        const answers = await fromKept(questions, own);
        // As of one moment: all kept, or all from one snapshot.
        const value = answers.every((answer) => answer !== null) ? answers : await fromLoaded(questions, own);
        const views = value.map(({ view }) => view);
        const behind = firstBehind(books, views);
        return behind === null ? { value } : { behind };
      });
    },
  };
}

const isNow = ({ asOf, knownAt }: Moment): boolean => asOf === null && knownAt === null;

/** The figures of books that are kept, from their open states and in one statement; null for each that is not. */
async function keptBalances(
  { database, clock, kept }: BalancesDeps,
  questions: readonly NowQuestion[],
): Promise<readonly (BalanceAnswer | null)[]> {
  const views = await locateNow(database, clock, questions);
  return views.map((view, i) => {
    const { figures } = questions[i]!;
    if (!isWritten(view))
      return { view, balances: balancesIn(emptyBook(view.asOf), view.currencies, figures) };
    const open = kept.find(markOf(view));
    return open === undefined ? null : { view, balances: balancesNow(view, open, figures) };
  });
}

/** Balances of many books now, in the order of the questions: a constant number of statements in two round trips. */
async function loadedBalances(
  connection: Connection,
  { clock, kept }: BalancesDeps,
  questions: readonly NowQuestion[],
): Promise<readonly BalanceAnswer[]> {
  const views = await locateNow(connection, clock, questions);
  // Each written book once, however many ask about it.
  const asking = (isAsked: (figures: Figures) => boolean) =>
    booksOnce(views.filter((_, i) => isAsked(questions[i]!.figures)).filter(isWritten));
  const [states, promised] = await awaitAll([
    statesNow(connection, kept, asking(asksBooked).map(markOf)),
    promisedNow(
      connection,
      asking(({ parts }) => parts.has('pending')),
    ),
  ]);
  return views.map((view, i) => {
    const { figures } = questions[i]!;
    const state = view.bookId === null ? emptyBook(view.asOf) : states.get(view.bookId);
    const booked = state === undefined ? null : bookedOf(state, figures.scope);
    const own = view.bookId === null ? undefined : promised.get(view.bookId);
    return { view, balances: balancesFrom(view.currencies, figures, booked, own ?? []) };
  });
}
