import type { BookKey } from '../../book/book-key.ts';
import { emptyBook } from '../book-state.ts';
import { statesNow } from '../../book/state-at.ts';
import { locateNow, type BookView, type Moment } from '../../book/view.ts';
import { settleAll, type Connection } from '../../db/database.ts';
import { gather } from '../../db/gather.ts';
import { promisedNow } from '../../pending/index-reader.ts';
import {
  balancesFrom,
  bookedOf,
  getBalance,
  getBalances,
  type BalanceAnswer,
  type BalanceQuestion,
  type Figures,
} from './get-balance.ts';
import { caughtUp, type QueryDeps } from './questions.ts';

/** Balances, where those asked about now share snapshots: most questions are about now, and many come at once. */
export type Balances = {
  get(question: BalanceQuestion): Promise<BalanceAnswer>;
  /** Of many customers, as of one moment; in the order of the keys. */
  getMany(keys: readonly BookKey[], asked: Moment & Figures): Promise<readonly BalanceAnswer[]>;
};

type NowQuestion = { readonly key: BookKey; readonly figures: Figures };

// Two, so that one round is read while the answers of the other are made; a round stays short for those who wait.
const ROUNDS = { atOnce: 2, most: 100 };

export function createBalances(deps: QueryDeps): Balances {
  const readNow = (questions: readonly NowQuestion[]) =>
    deps.database.snapshot((connection) => balancesNow(connection, deps, questions));
  const now = gather(readNow, ROUNDS);
  return {
    get: (question) =>
      isNow(question)
        ? caughtUp(question.minVersion, async () => {
            const value = await now({ key: question.key, figures: question });
            return value.view.latest < question.minVersion ? undefined : { value };
          })
        : getBalance(deps, question),
    getMany: (keys, asked) =>
      isNow(asked) ? readNow(keys.map((key) => ({ key, figures: asked }))) : getBalances(deps, keys, asked),
  };
}

const isNow = ({ asOf, knownAt }: Moment): boolean => asOf === null && knownAt === null;

/** Balances of many books now, in the order of the questions: a constant number of statements in two round trips. */
async function balancesNow(
  connection: Connection,
  { clock }: QueryDeps,
  questions: readonly NowQuestion[],
): Promise<readonly BalanceAnswer[]> {
  const views = await locateNow(
    connection,
    clock,
    questions.map(({ key }) => key),
  );
  const asking = (isAsked: (figures: Figures) => boolean) =>
    distinct(views.filter((_, i) => isAsked(questions[i]!.figures)));
  const [states, promised] = await settleAll([
    statesNow(
      connection,
      asking(({ parts }) => parts.has('settled') || parts.has('live')),
    ),
    promisedNow(
      connection,
      asking(({ parts }) => parts.has('pending')).map((view) => ({ ...view, at: view.asOf })),
    ),
  ]);
  return views.map((view, i) => {
    const { figures } = questions[i]!;
    const state = view.id === null ? emptyBook(view.asOf) : states.get(view.id);
    const booked = state === undefined ? null : bookedOf(state, figures.scope);
    const own = view.id === null ? undefined : promised.get(view.id);
    return { view, balances: balancesFrom(view, figures, booked, own ?? []) };
  });
}

/** Each written book once, however many ask about it. */
const distinct = (views: readonly BookView[]): readonly (BookView & { readonly bookId: string })[] => [
  ...new Map(
    views.flatMap((view) => (view.id === null ? [] : [[view.id, { ...view, bookId: view.id }] as const])),
  ).values(),
];
