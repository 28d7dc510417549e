import { booksOfNamespace } from '../book/namespace.ts';
import { askWritten, type QueryDeps } from '../book/questions.ts';
import { runAllForward, runForward } from '../book/state-at.ts';
import { isHistory, readUpTo, type BookView, type Moment, type WrittenView } from '../book/view.ts';
import { collectingVersions } from '../tables/charges.ts';
import { awaitWriters, LONGEST_WRITE_MS } from '../tables/writers.ts';
import type { Outcome } from '../credit/book-state.ts';
import { databaseTime } from '../db/clock.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { earlier, type Instant } from '../instant.ts';
import {
  accountTotals,
  accountTotalsOfBooks,
  addLegs,
  addTotals,
  type AccountFilter,
  type AccountTotal,
  type KnownAccount,
} from '../ledger/account-totals.ts';
import type { Leg } from '../ledger/posting.ts';
import { subjectTotals, type Subject } from '../ledger/subject-totals.ts';
import { refuse } from '../refusal.ts';

/** Whose accounts a question is about, and when. */
export type AccountsAsked = Moment & {
  readonly namespace: string;
  /** Null: all books of the namespace, their accounts added up by route. */
  readonly customerId: string | null;
  readonly minVersion: number;
};

export type AccountsHeld = {
  readonly totals: readonly AccountTotal[];
  /** Of a namespace, which has no version, 0. */
  readonly view: Pick<BookView, 'version' | 'asOf' | 'knownAt'>;
};

/** What the accounts of a customer or of a whole namespace hold at any instant, as known at any instant. */
export const accountsHeld = (
  deps: QueryDeps,
  { namespace, customerId, ...asked }: AccountsAsked,
  filter: AccountFilter,
  signal: AbortSignal,
): Promise<AccountsHeld> =>
  customerId === null
    ? accountsOfNamespace(deps, namespace, asked, filter, signal)
    : askWritten(
        deps,
        { ...asked, key: { namespace, customerId } },
        { totals: [] },
        async (connection, view) => ({ totals: await accountsAt(connection, view, filter) }),
      );

/**
 * What every sub-account of a book holds at any instant, as known at any instant: running totals and late entries, and
 * the postings that running forward adds. A sub-account is there from its first entry on.
 */
export async function accountsAt(
  connection: Connection,
  view: WrittenView,
  filter: AccountFilter,
): Promise<readonly AccountTotal[]> {
  const known = await knownAccountsAt(connection, view, filter);
  return known.filter(({ id, booked }) => id === null || booked);
}

/** The same with those that are known and have their first entry only later; they hold nothing. */
export async function knownAccountsAt(
  connection: Connection,
  view: WrittenView,
  filter: AccountFilter,
): Promise<readonly (AccountTotal & Partial<Pick<KnownAccount, 'booked'>>)[]> {
  const [written, ahead] = await awaitAll([
    accountTotals(connection, { ...view, recordedBy: readUpTo(view) }, filter),
    legsAhead(connection, view),
  ]);
  return [...addLegs(addTotals(new Map(), written), ahead, filter).values()];
}

/** The same by the entries of a grant or charge alone: it costs what that did. */
export async function accountsOfSubject(
  connection: Connection,
  view: WrittenView,
  subject: Subject,
): Promise<readonly AccountTotal[]> {
  const { grantId, chargeId } = subject;
  const collectedIn =
    grantId !== null || chargeId === null ? [] : await collectingVersions(connection, view, chargeId);
  const [written, ahead] = await awaitAll([
    subjectTotals(connection, view, earlier(view.asOf, view.clock), subject, collectedIn),
    legsAhead(connection, view),
  ]);
  const legs = ahead.filter(
    (leg) =>
      (grantId === null || leg.grantId === grantId) && (chargeId === null || leg.chargeId === chargeId),
  );
  return [...addLegs(addTotals(new Map(), written), legs, { types: [], currency: null }).values()];
}

/** What running forward books; nothing of the past. */
const legsAhead = async (connection: Connection, view: WrittenView): Promise<readonly Leg[]> =>
  isHistory(view) ? [] : legsOf(await runForward(connection, view));

const legsOf = ({ postings }: Outcome): readonly Leg[] => postings.flatMap(({ legs }) => legs);

/**
 * The accounts of all books of a namespace, added up by route, from one snapshot. Books come in batches: two statements a batch over running totals,
 * and only books in which something falls due by the instant are run forward. Costs a probe for each sub-account of the
 * namespace, whatever the length of histories; stops between batches once `signal` says so.
 */
async function accountsOfNamespace(
  deps: QueryDeps,
  namespace: string,
  moment: Moment,
  filter: AccountFilter,
  signal: AbortSignal,
): Promise<AccountsHeld> {
  await assertSettled(deps, moment.knownAt);
  return deps.database.snapshot(async (connection) => {
    const now = deps.clock.reads(await databaseTime(connection));
    const asOf = moment.asOf ?? now;
    const totals = new Map<string, AccountTotal>();
    for await (const { shard, books } of booksOfNamespace(connection, namespace, moment, now)) {
      signal.throwIfAborted();
      const points = books.map(({ view }) => ({ ...view, recordedBy: readUpTo(view) }));
      const due = books.filter((book) => book.due).map(({ view }) => view);
      const [written, ahead] = await awaitAll([
        accountTotalsOfBooks(connection, shard, points, asOf, filter),
        runAllForward(connection, due),
      ]);
      addLegs(addTotals(totals, written), ahead.flatMap(legsOf), filter);
    }
    return { totals: [...totals.values()], view: { version: 0, asOf, knownAt: moment.knownAt ?? now } };
  });
}

/**
 * What was recorded by an instant asked for is there to be read, or the question is refused: writes that may have been
 * given it and are not to be seen yet are waited for (law 8).
 */
async function assertSettled({ database, clock }: QueryDeps, knownAt: Instant | null): Promise<void> {
  if (knownAt === null || clock.reads(await databaseTime(database)) - knownAt >= LONGEST_WRITE_MS) return;
  if (!(await awaitWriters(database))) {
    refuse('NOT_CAUGHT_UP', 'writes that may have been recorded by known_at are still under way');
  }
}
