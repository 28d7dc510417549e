import { runForward } from '../book/state-at.ts';
import { isHistory, type BookView } from '../book/view.ts';
import type { Actor } from '../actor.ts';
import type { Amount } from '../amount.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { earlier, type Instant } from '../instant.ts';
import {
  movementsAt,
  pageOfMovements,
  pageOfMovementsBy,
  type Movement,
  type MovementKey,
} from '../ledger/movements.ts';
import { kindsThat, POSTING_KINDS, type PostingKind, type TransactionType } from '../ledger/posting.ts';
import { settledAt, settledAtEach, type SettledAt, type SettledFilter } from '../ledger/settled.ts';
import { actorsOf } from '../ledger/writes.ts';
import type { Scope } from '../scope.ts';
import { forecastMovements } from './forecast-movements.ts';
import { detailsOf, type Named } from './details.ts';
import { askWritten, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';

export type HistoryQuestion = Asked & {
  /** Empty: all. */
  readonly types: readonly TransactionType[];
  readonly currency: string | null;
  readonly scope: Scope;
  /** Who made the versions: the caller, or whom it named; null: any, and what is not booked yet shows. */
  readonly actor: string | null;
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly until: Instant;
  /** The row a page goes on from, and which way; null: the newest. */
  readonly cursor: { readonly beyond: MovementKey; readonly direction: 'older' | 'newer' } | null;
  readonly limit: number;
};

/** A row with settled in its currency and the asked scope before and after it, whatever the page hides. */
export type HistoryRow = Movement & {
  readonly type: TransactionType;
  readonly before: Amount;
  readonly after: Amount;
};

export type TransactionsAnswer = {
  /** Newest first. */
  readonly rows: readonly HistoryRow[];
  /** Where the page of older rows goes on from, and the one of newer rows; null: there is none. */
  readonly older: MovementKey | null;
  readonly newer: MovementKey | null;
  /** What the grants and charges of the rows are called. */
  readonly named: Named;
  /** Who made the versions of the rows. */
  readonly actors: ReadonlyMap<number, Actor | null>;
};

/**
 * The customer-facing history: one row per event, its amount the net change of settled in the asked scope; rows up to an
 * instant add up to settled there. What has fallen due, or lies ahead of now up to `as_of`, shows as it will be booked.
 * A constant number of statements per page.
 */
export const listTransactions = (
  deps: QueryDeps,
  question: HistoryQuestion,
): Promise<Viewed<TransactionsAnswer>> =>
  askWritten(deps, question, NO_ROWS, async (connection, view) => {
    const { scope, currency, actor } = question;
    const filter = { ...view, scope, currency };
    // Nobody has done yet what is not booked.
    const ahead = isHistory(view) || actor !== null ? [] : await forecast(connection, view, filter);
    const kinds = kindsOf(question.types);
    const { beyond, direction } = question.cursor ?? { beyond: NEWEST, direction: 'older' as const };
    const range = { from: question.from, until: earlier(question.until, view.asOf + 1) };
    const shown = ahead.filter(
      (row) =>
        kinds.includes(row.kind) &&
        row.bookedAt >= range.from &&
        row.bookedAt < range.until &&
        (direction === 'older' ? compare(row, beyond) < 0 : compare(row, beyond) > 0),
    );
    const asked = { ...filter, ...range, kinds, beyond, direction, limit: question.limit + 1 };
    const { rows: booked, end } =
      actor === null
        ? { rows: await pageOfMovements(connection, asked), end: null }
        : await pageOfMovementsBy(connection, { ...asked, actor });
    const found = direction === 'older' ? [...shown.toReversed(), ...booked] : [...booked, ...shown];
    const page = found.slice(0, question.limit);
    // Where the page is not full, the rows looked at may not be all there are.
    const onwards = found.length > question.limit ? page.at(-1)! : end;
    const back = page[0] ?? end;
    const newestFirst = direction === 'older' ? page : page.toReversed();
    const allTypes = actor === null && kinds.length === ALL_KINDS.length;
    const [rows, named, actors] = await awaitAll([
      withBalances(connection, view, filter, { rows: newestFirst, ahead, allTypes }),
      detailsOf(connection, view, newestFirst),
      actorsOf(
        connection,
        view,
        newestFirst.flatMap(({ id, version }) => (id === null ? [] : [version])),
      ),
    ]);
    return direction === 'older'
      ? { rows, named, actors, older: onwards, newer: question.cursor === null ? null : back }
      : { rows, named, actors, older: back, newer: onwards };
  });

const NO_ROWS: TransactionsAnswer = {
  rows: [],
  older: null,
  newer: null,
  named: () => undefined,
  actors: new Map(),
};

const NEWEST: MovementKey = { bookedAt: Number.POSITIVE_INFINITY, version: 0, position: 0 };

const ALL_KINDS = kindsThat(({ shows }) => shows !== null);

const kindsOf = (types: readonly TransactionType[]): readonly PostingKind[] =>
  types.length === 0 ? ALL_KINDS : kindsThat(({ shows }) => shows !== null && types.includes(shows));

const compare = (a: MovementKey, b: MovementKey): number =>
  a.bookedAt - b.bookedAt || a.version - b.version || a.position - b.position;

/** The rows that running forward adds behind what is booked, oldest first. */
async function forecast(
  connection: Connection,
  view: BookView,
  { scope, currency }: SettledFilter,
): Promise<readonly Movement[]> {
  const { postings } = await runForward(connection, view);
  const next = { version: view.version + 1, recordedAt: view.now };
  return forecastMovements(postings, next, scope).filter(
    (row) => currency === null || row.currency === currency,
  );
}

/**
 * Settled before and after each row. Where no type is hidden, a page's rows are all there are between its ends: they are
 * walked from what settled was behind the newest of them, one sum for a page of any length. Otherwise each instant is
 * walked for itself. What lies ahead goes on from the book's clock.
 */
async function withBalances(
  connection: Connection,
  view: BookView,
  filter: SettledFilter,
  { rows, ahead, allTypes }: Page,
): Promise<readonly HistoryRow[]> {
  const booked = rows.filter((row) => row.id !== null);
  const instants = [...new Set(booked.map((row) => row.bookedAt))].slice(0, allTypes ? 1 : undefined);
  const [there, ends, end] = await awaitAll([
    instants.length === 0 ? Promise.resolve([]) : movementsAt(connection, filter, instants),
    settledAtEach(connection, filter, instants),
    settledAt(connection, filter, ahead.length === 0 ? [] : [view.clock]),
  ]);
  const after = new Map<string, Amount>();
  const newestFirst = there.toReversed();
  for (const at of instants) {
    const settled = settledThen(ends, at);
    const walked = allTypes
      ? [...newestFirst.filter((row) => compare(row, booked[0]!) > 0), ...booked]
      : newestFirst.filter((row) => row.bookedAt === at);
    for (const row of walked) after.set(keyOfRow(row), settled.add(row.currency, -row.amount) + row.amount);
  }
  const settled = settledThen(end, view.clock);
  for (const row of ahead) after.set(keyOfRow(row), settled.add(row.currency, row.amount));
  return rows.map((row) => {
    const balance = after.get(keyOfRow(row))!;
    return { ...row, type: POSTING_KINDS[row.kind].shows!, before: balance - row.amount, after: balance };
  });
}

/** Settled at the end of an instant by currency, to be carried on from row to row. */
function settledThen(ends: readonly SettledAt[], at: Instant) {
  const sums = new Map(ends.filter((end) => end.at === at).map(({ currency, amount }) => [currency, amount]));
  return {
    add(currency: string, amount: Amount): Amount {
      const sum = (sums.get(currency) ?? 0n) + amount;
      sums.set(currency, sum);
      return sum;
    },
  };
}

/** Newest first; `ahead` is all that lies ahead, oldest first, shown on this page or not. */
type Page = {
  readonly rows: readonly Movement[];
  readonly ahead: readonly Movement[];
  readonly allTypes: boolean;
};

const keyOfRow = ({ bookedAt, version, position, currency }: Movement): string =>
  `${bookedAt} ${version} ${position} ${currency}`;
