import { ask, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { GrantView } from '../credit/grant-view.ts';
import { awaitAll } from '../db/database.ts';
import { grantsOf } from '../tables/grants.ts';
import { viewsOf } from './grant-views.ts';
import { notFound } from './assert-named.ts';
import { loadGrantMakers, type Made } from '../book/makers.ts';

/** One grant at any instant, as known at any instant; GRANT_NOT_FOUND where the customer has none of that id known. */
export const getGrant = (
  deps: QueryDeps,
  { grantId, ...asked }: Asked & { readonly grantId: string },
): Promise<Viewed<Made<GrantView>>> =>
  ask(deps, asked, async (connection, view) => {
    if (view.bookId === null) return notFound('grt', grantId);
    const [found, [maker]] = await awaitAll([
      grantsOf(connection, view, [grantId]),
      loadGrantMakers(connection, [{ shard: view.shard, bookId: view.bookId, id: grantId }]),
    ]);
    const known = found.filter((own) => own.version <= view.version);
    const [grant] = await viewsOf(connection, view, known);
    return { found: grant ?? notFound('grt', grantId), actor: maker?.actor ?? null };
  });
