import { grantAsKnown, totalsOf } from '../book/as-known.ts';
import { formerTermsOf } from '../tables/former-terms.ts';
import { stateAt } from '../book/state-at.ts';
import { bookKeyText } from '../tables/book-key.ts';
import { pageOfGrants, type GrantFilter, type GrantRange } from './grant-pages.ts';
import { grantsOf, type StoredGrant } from '../tables/grants.ts';
import { loadRemembered, type Remembered } from '../tables/remembered.ts';
import { isHistory, type BookView } from '../book/view.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { grantTotals } from '../ledger/grant-totals.ts';
import { viewNow, viewThen, type GrantView } from '../credit/grant-view.ts';
import { notFound } from './named.ts';
import { ask, type Asked, type QueryDeps } from '../book/questions.ts';

export type GrantAnswer = { readonly view: BookView; readonly grant: GrantView };

/** One grant at any instant, as known at any instant; GRANT_NOT_FOUND where the customer has none of that id known. */
export const getGrant = (
  deps: QueryDeps,
  question: Asked & { readonly grantId: string },
): Promise<GrantAnswer> =>
  ask(deps, question, async (connection, view) => {
    const { grantId } = question;
    const { shard, bookId } = view;
    const found = bookId === null ? [] : await grantsOf(connection, { shard, bookId }, [grantId]);
    const known = found.filter((own) => own.version <= view.version);
    const [grant] = await viewsOf(connection, view, known);
    return grant === undefined ? notFound('grt', grantId) : { view, grant };
  });

export type GrantsQuestion = Asked & {
  readonly filter: GrantFilter;
  /** Null: any. */
  readonly idempotencyKey: string | null;
  /** The grant that a remembered answer tells: the bytes of answers are the wire's own. */
  readonly grantOf: (remembered: Remembered) => string | null;
  /** The id the page begins with; null for the first. */
  readonly from: string | null;
  readonly limit: number;
};

export type GrantsAnswer = {
  readonly view: BookView;
  readonly grants: readonly GrantView[];
  /** The id the next page begins with; null: there is none. */
  readonly next: string | null;
};

/**
 * A customer's grants at any instant, newest recorded first: a constant number of statements, and bounded work. A page
 * may hold fewer than asked for, also none, where others are to be looked for behind it.
 */
export const listGrants = (deps: QueryDeps, question: GrantsQuestion): Promise<GrantsAnswer> =>
  ask(deps, question, async (connection, view) => {
    const { filter, limit } = question;
    const range = await rangeOf(connection, view, question);
    if (view.bookId === null || range === null) return { view, grants: [], next: null };
    const page = await pageOfGrants(connection, view, filter, { ...range, limit });
    const { statuses } = filter;
    const { idempotencyKey } = question;
    const grants = (await viewsOf(connection, view, page.grants)).filter(
      ({ status, grant }) =>
        status !== null &&
        (statuses.length === 0 || statuses.includes(status)) &&
        (idempotencyKey === null || grant.details.idempotencyKey === idempotencyKey),
    );
    return { view, grants, next: page.next };
  });

/** Which of a book's grants can be asked for; null: none. What was made under a key, the answer to it tells. */
async function rangeOf(
  connection: Connection,
  { key }: BookView,
  { from, idempotencyKey, grantOf }: GrantsQuestion,
): Promise<Pick<GrantRange, 'from' | 'to'> | null> {
  if (idempotencyKey === null) return { from, to: null };
  const remembered = await loadRemembered(connection, [{ key, idempotencyKey }]);
  const answer = remembered.get(bookKeyText(key))?.get(idempotencyKey);
  const made = answer === undefined ? null : grantOf(answer);
  return made === null ? null : { from: made, to: made };
}

/** How stored grants stand at the moment asked about: from the journal for the past, by running forward for the rest. */
export async function viewsOf(
  connection: Connection,
  view: BookView,
  known: readonly StoredGrant[],
): Promise<readonly GrantView[]> {
  if (known.length === 0 || view.bookId === null) return [];
  if (!isHistory(view)) {
    // Where nothing falls due the rows are the state, and what else the book holds is of no account.
    if (view.nextDueAt !== null && view.nextDueAt > view.asOf) {
      return known.map(({ grant }) => viewNow(grant, view.asOf));
    }
    const state = await stateAt(connection, view, known);
    return known.map(({ grant }) => viewNow(state.grants.get(grant.id)!, view.asOf));
  }
  const { shard, bookId, version, asOf, clock } = view;
  const ids = known.map(({ grant }) => grant.id);
  // What is known of it at the version's own clock decides whether and when it was booked or voided.
  const [then, latest, terms] = await settleAll([
    grantTotals(connection, view, ids),
    grantTotals(connection, { ...view, asOf: clock, recordedBy: version }, ids),
    formerTermsOf(connection, { shard, bookId }, ids),
  ]);
  return known.map((own) =>
    viewThen(grantAsKnown(own, view, latest, terms), asOf, totalsOf(then, own.grant.id)),
  );
}
