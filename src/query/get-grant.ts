import { ask, type Asked, type QueryDeps } from '../book/questions.ts';
import type { BookView } from '../book/view.ts';
import type { GrantView } from '../credit/grant-view.ts';
import { grantsOf } from '../tables/grants.ts';
import { viewsOf } from './grant-views.ts';
import { notFound } from './named.ts';

export type GrantAnswer = { readonly view: BookView; readonly grant: GrantView };

/** One grant at any instant, as known at any instant; GRANT_NOT_FOUND where the customer has none of that id known. */
export const getGrant = (
  deps: QueryDeps,
  question: Asked & { readonly grantId: string },
): Promise<GrantAnswer> =>
  ask(deps, question, async (connection, view) => {
    const { grantId } = question;
    const found = view.bookId === null ? [] : await grantsOf(connection, view, [grantId]);
    const known = found.filter((own) => own.version <= view.version);
    const [grant] = await viewsOf(connection, view, known);
    return grant === undefined ? notFound('grt', grantId) : { view, grant };
  });
