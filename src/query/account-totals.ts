import { booksOfNamespace } from '../book/namespace.ts';
import { runAllForward, runForward } from '../book/state-at.ts';
import { isHistory, readUpTo, type BookView, type Moment } from '../book/view.ts';
import { awaitWriters, LONGEST_WRITE_MS } from '../tables/writers.ts';
import { databaseTime } from '../db/clock.ts';
import { settleAll, type Connection } from '../db/database.ts';
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
import { ask, type QueryDeps } from '../book/questions.ts';

/**
 * What every sub-account of a book holds at any instant, as known at any instant: running totals and late entries, and
 * the postings that running forward adds. A sub-account is there from its first entry on.
 */
export async function accountsAt(
  connection: Connection,
  view: BookView,
  filter: AccountFilter,
): Promise<readonly AccountTotal[]> {
  const known = await knownAccountsAt(connection, view, filter);
  return known.filter(({ id, booked }) => id === null || booked);
}

/** The same with those that are known and have their first entry only later; they hold nothing. */
export async function knownAccountsAt(
  connection: Connection,
  view: BookView,
  filter: AccountFilter,
): Promise<readonly (AccountTotal & Partial<Pick<KnownAccount, 'booked'>>)[]> {
  if (view.bookId === null) return [];
  const [written, ahead] = await settleAll([
    accountTotals(connection, { ...view, recordedBy: readUpTo(view) }, filter),
    legsAhead(connection, view),
  ]);
  return [...addLegs(addTotals(new Map(), written), ahead, filter).values()];
}

/** The same by the entries of a grant or charge alone: it costs what that did. */
export async function accountsOfSubject(
  connection: Connection,
  view: BookView,
  subject: Subject,
): Promise<readonly AccountTotal[]> {
  if (view.bookId === null) return [];
  const { grantId, chargeId } = subject;
  const [written, ahead] = await settleAll([
    subjectTotals(connection, view, earlier(view.asOf, view.clock), subject),
    legsAhead(connection, view),
  ]);
  const legs = ahead.filter(
    (leg) =>
      (grantId === null || leg.grantId === grantId) && (chargeId === null || leg.chargeId === chargeId),
  );
  return [...addLegs(addTotals(new Map(), written), legs, { types: [], currency: null }).values()];
}

/** What running forward books; nothing of the past. */
const legsAhead = async (connection: Connection, view: BookView): Promise<readonly Leg[]> =>
  isHistory(view) ? [] : (await runForward(connection, view)).postings.flatMap(({ legs }) => legs);

/** Whose accounts are asked about, and when. */
export type AccountsAsked = Moment & {
  readonly namespace: string;
  /** Null: all books of the namespace, added up by route. */
  readonly customerId: string | null;
  readonly minVersion: number;
};

/** What accounts hold, with the moment they hold it at. */
export type AccountsHeld = {
  readonly totals: readonly AccountTotal[];
  /** The customer's book version; 0 for a namespace, which has none. */
  readonly version: number;
  readonly asOf: Instant;
  readonly knownAt: Instant;
};

/** The same for a customer, or for a whole namespace. */
export function accountsHeld(
  deps: QueryDeps,
  { namespace, customerId, ...asked }: AccountsAsked,
  filter: AccountFilter,
  signal: AbortSignal,
): Promise<AccountsHeld> {
  if (customerId === null) return accountsOfNamespace(deps, namespace, asked, filter, signal);
  return ask(deps, { ...asked, key: { namespace, customerId } }, async (connection, view) => {
    const { version, asOf, knownAt } = view;
    return { totals: await accountsAt(connection, view, filter), version, asOf, knownAt };
  });
}

/**
 * The same for a whole namespace, from one snapshot. Books come in batches: two statements a batch over running totals,
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
    for await (const batch of booksOfNamespace(connection, namespace, moment, now)) {
      signal.throwIfAborted();
      const { shard, books } = batch;
      const points = books.map(({ view }) => ({ ...view, recordedBy: readUpTo(view) }));
      const due = books.filter((book) => book.due).map(({ view }) => view);
      const [written, ahead] = await settleAll([
        accountTotalsOfBooks(connection, shard, points, asOf, filter),
        runAllForward(connection, due),
      ]);
      addTotals(totals, written);
      for (const { postings } of ahead) {
        addLegs(
          totals,
          postings.flatMap((posting) => posting.legs),
          filter,
        );
      }
    }
    return { totals: [...totals.values()], version: 0, asOf, knownAt: moment.knownAt ?? now };
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
