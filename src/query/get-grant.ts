import { ask, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { GrantView } from '../credit/grant-view.ts';
import { grantsOf } from '../tables/grants.ts';
import { viewsOf } from './grant-views.ts';
import { notFound } from './assert-named.ts';

/** One grant at any instant, as known at any instant; GRANT_NOT_FOUND where the customer has none of that id known. */
export const getGrant = (
  deps: QueryDeps,
  { grantId, ...asked }: Asked & { readonly grantId: string },
): Promise<Viewed<{ readonly grant: GrantView }>> =>
  ask(deps, asked, async (connection, view) => {
    if (view.bookId === null) return notFound('grt', grantId);
    const found = await grantsOf(connection, view, [grantId]);
    const known = found.filter((own) => own.version <= view.version);
    const [grant] = await viewsOf(connection, view, known);
    return { grant: grant ?? notFound('grt', grantId) };
  });
