import { grantAsKnown, totalsOf } from '../../book/as-known.ts';
import { loadFormerTerms } from '../../book/former-terms.ts';
import { stateAt } from '../../book/state-at.ts';
import {
  loadGrants,
  pageOfGrants,
  readGrant,
  type GrantFilter,
  type StoredGrant,
} from '../../book/grant-rows.ts';
import { isHistory, type BookView } from '../../book/view.ts';
import { settleAll, type Connection } from '../../db/database.ts';
import { grantTotals } from '../../ledger/history.ts';
import { refuse } from '../../refusal.ts';
import { viewNow, viewThen, type GrantView } from '../grant-view.ts';
import type { GrantStatus } from '../grant.ts';
import { ask, type Asked, type QueryDeps } from './questions.ts';

export type GrantAnswer = { readonly view: BookView; readonly grant: GrantView };

/** One grant at any instant, as known at any instant; GRANT_NOT_FOUND where the customer has none of that id known. */
export const getGrant = (
  deps: QueryDeps,
  question: Asked & { readonly grantId: string },
): Promise<GrantAnswer> =>
  ask(deps, question, async (connection, view) => {
    const { grantId } = question;
    const { shard, id: bookId } = view;
    const rows = bookId === null ? [] : await loadGrants(connection, [{ shard, bookId, grantId }]);
    const known = rows.map(readGrant).filter((own) => own.version <= view.version);
    const [grant] = await viewsOf(connection, view, known);
    return grant === undefined
      ? refuse('GRANT_NOT_FOUND', `this customer has no grant ${grantId}`, { id: grantId })
      : { view, grant };
  });

export type GrantsQuestion = Asked & {
  /** Empty: any. */
  readonly statuses: readonly GrantStatus[];
  readonly filter: GrantFilter;
  /** The id the page before ended with; null for the first. */
  readonly after: string | null;
  readonly limit: number;
};

export type GrantsAnswer = {
  readonly view: BookView;
  readonly grants: readonly GrantView[];
  /** Whether there may be more behind the last. */
  readonly more: boolean;
};

/** A customer's grants at any instant, newest recorded first. */
export const listGrants = (deps: QueryDeps, question: GrantsQuestion): Promise<GrantsAnswer> =>
  ask(deps, question, async (connection, view) => {
    const found: GrantView[] = [];
    let { after } = question;
    // A status is not a column: pages are read until enough grants of the asked ones have been seen.
    while (view.id !== null && found.length <= question.limit) {
      const limit = question.limit + 1;
      const page = await pageOfGrants(
        connection,
        { shard: view.shard, bookId: view.id },
        question.filter,
        after,
        limit,
      );
      const views = await viewsOf(
        connection,
        view,
        page.filter((own) => own.version <= view.version),
      );
      found.push(...views.filter(({ status }) => status !== null && hasStatus(question.statuses, status)));
      if (page.length < limit) break;
      after = page.at(-1)!.grant.id;
    }
    return { view, grants: found.slice(0, question.limit), more: found.length > question.limit };
  });

const hasStatus = (asked: readonly GrantStatus[], status: GrantStatus): boolean =>
  asked.length === 0 || asked.includes(status);

/** How stored grants stand at the moment asked about: from the journal for the past, by running forward for the rest. */
export async function viewsOf(
  connection: Connection,
  view: BookView,
  known: readonly StoredGrant[],
): Promise<readonly GrantView[]> {
  if (known.length === 0 || view.id === null) return [];
  if (!isHistory(view)) {
    const state = await stateAt(connection, view, known);
    return known.map(({ grant }) => viewNow(state.grants.get(grant.id)!, view.asOf));
  }
  const { shard, id: bookId, asOf: at, recordedBy, version } = view;
  const ids = known.map(({ grant }) => grant.id);
  // What is known of it at the version's own clock decides whether and when it was booked or voided.
  const [then, latest, terms] = await settleAll([
    grantTotals(connection, { shard, bookId, at, recordedBy, version }, ids),
    grantTotals(connection, { shard, bookId, at: view.clock, recordedBy: version, version }, ids),
    loadFormerTerms(
      connection,
      ids.map((grantId) => ({ shard, bookId, grantId })),
    ),
  ]);
  return known.map((own) =>
    viewThen(grantAsKnown(own, view, latest, terms), at, totalsOf(then, own.grant.id)),
  );
}
