import type { GrantStatus } from '../credit/grant.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { FIRST_UUID, idOf, LAST_UUID } from '../id.ts';
import { actorColumns, actorIn, isBy, LOOKED_UP, withWriteOf, type ToldRow } from '../ledger/writes.ts';
import { GRANTS, type GrantRow, type StoredGrant } from '../tables/grants.ts';
import { askWritten, type Asked, type QueryDeps, type Viewed } from '../book/questions.ts';
import type { BookView, WrittenView } from '../book/view.ts';
import type { GrantView } from '../credit/grant-view.ts';
import { rememberedUnder, type Remembered } from '../tables/remembered.ts';
import { viewsOf } from './grant-views.ts';
import type { Made } from '../book/makers.ts';
import { cutPage, type CutPage } from './page-end.ts';

/**
 * Pages of a book's grants, newest first. A page walks one index, which holds what decides whether a grant is asked for,
 * and looks at a bounded number of its entries: where a filter lets few through it ends early, with a place to go on from.
 */

export type GrantFilter = {
  /** Empty: any. */
  readonly statuses: readonly GrantStatus[];
  readonly currency: string | null;
  /** Grants a charge for this feature may use: unrestricted ones, and those that contain the key. */
  readonly featureKey: string | null;
  /** Who made them: the caller, or whom it named. */
  readonly actor: string | null;
};

/** Which part of the list of grants of a book a page shows, both ends inclusive; null: from the newest, to the oldest. */
type GrantRange = { readonly from: string | null; readonly to: string | null; readonly limit: number };

/** Entries of the index that a page looks at, at most: some ten milliseconds' worth. */
const LOOKED_AT = 100_000;

/** From and down to which grant, and how many are looked at. */
const RANGE = { shard: 'smallint', bookId: 'bigint', from: 'uuid', to: 'uuid', lookAt: 'bigint' } as const;
const ends = parameters(RANGE);
const WALK = `
  select g.id, g.version, g.recorded_at, g.currency, g.effective_at, g.expires_at, g.funded_at, g.voided_at,
         g.voided_version
  from grants g
  where g.shard = ${ends.shard} and g.book_id = ${ends.bookId} and g.id <= ${ends.from} and g.id >= ${ends.to}
  order by g.id desc
  limit ${ends.lookAt}`;

const p = parameters({
  ...RANGE,
  version: 'bigint',
  asOf: 'timestamptz',
  statuses: 'text[]',
  /** Whether later versions are there. */
  isEarlier: 'boolean',
  currency: 'text',
  featureKey: 'text',
  actor: 'text',
  limit: 'bigint',
});

// Every grant that is in one of the states at the instant, as known at the version, and perhaps some that are not: what is
// found is told apart by the core. A grant counts as pending up to the instant at which it is due to become credit, and
// what was agreed at an earlier version is not in the row.
const MAY_BE_IN_STATE = `
  (cardinality(${p.statuses}) = 0
   or case
        when listed.voided_version <= ${p.version} and listed.voided_at <= ${p.asOf} then 'VOIDED' = any(${p.statuses})
        when listed.expires_at <= ${p.asOf} then 'EXPIRED' = any(${p.statuses})
        when greatest(listed.effective_at, listed.funded_at) <= ${p.asOf} then 'ACTIVE' = any(${p.statuses})
        else 'PENDING' = any(${p.statuses})
      end
   or ${p.isEarlier} and exists (
        select from former_terms f
        where f.shard = ${p.shard} and f.book_id = ${p.bookId} and f.grant_id = listed.id and f.until_version > ${p.version}
      ))`;

const PAGE = statement<GrantRow & ToldRow>(
  'page_of_grants',
  `select ${GRANTS.select('g')}, ${actorColumns('w')}
   from (${WALK}) listed
   cross join lateral (
     select * from grants g where g.shard = ${p.shard} and g.book_id = ${p.bookId} and g.id = listed.id
     offset 0
   ) g
   ${withWriteOf({ ...p, version: 'listed.version' })}
   where listed.version <= ${p.version} and (listed.recorded_at <= ${p.asOf} or listed.effective_at <= ${p.asOf})
     and (${p.currency} is null or listed.currency = ${p.currency}) and ${MAY_BE_IN_STATE}
     and (${p.featureKey} is null or g.feature_keys = '{}' or ${p.featureKey} = any(g.feature_keys))
     and (${p.actor} is null or ${isBy('w', p.actor)})
   order by listed.id desc
   limit ${p.limit}`,
);

// The first that a page did not look at, if there are as many.
const BEHIND = statement<{ id: string }>(
  'grant_behind_page',
  `select id from (${WALK} + 1) w offset ${ends.lookAt} limit 1`,
);

/** The next grants of a book that may be in one of the states at the instant of a question, as known at its version. */
export async function pageOfGrants(
  connection: Connection,
  view: WrittenView,
  filter: GrantFilter,
  { from, to, limit }: GrantRange,
): Promise<CutPage<Made<StoredGrant>>> {
  const walk = {
    from: from ?? LAST_UUID,
    to: to ?? FIRST_UUID,
    lookAt: filter.actor === null ? LOOKED_AT : LOOKED_UP,
  };
  const asked = bind(p, view, filter, walk, { isEarlier: !view.current, limit: limit + 1 });
  const rows = await connection.run(PAGE, asked);
  return cutPage(
    rows.map((row) => ({ found: GRANTS.read(row), actor: actorIn(row) })),
    limit,
    ({ found }) => found.grant.id,
    async () => {
      const [behind] = await connection.run(BEHIND, bind(ends, view, walk));
      return behind === undefined ? null : idOf('grt', behind.id);
    },
  );
}

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

const NO_GRANTS: CutPage<Made<GrantView>> = { rows: [], next: null };

/**
 * A customer's grants at any instant, newest recorded first: a constant number of statements, and bounded work. A page
 * may hold fewer than asked for, also none, where others are to be looked for behind it.
 */
export const listGrants = (
  deps: QueryDeps,
  question: GrantsQuestion,
): Promise<Viewed<CutPage<Made<GrantView>>>> =>
  askWritten(deps, question, NO_GRANTS, async (connection, view) => {
    const { filter, limit, idempotencyKey } = question;
    const range = await rangeOf(connection, view, question);
    if (range === null) return NO_GRANTS;
    const page = await pageOfGrants(connection, view, filter, { ...range, limit });
    const views = await viewsOf(
      connection,
      view,
      page.rows.map(({ found }) => found),
    );
    const rows = page.rows
      .map(({ actor }, i) => ({ found: views[i]!, actor }))
      .filter(
        ({ found: { status, grant } }) =>
          status !== null &&
          (filter.statuses.length === 0 || filter.statuses.includes(status)) &&
          (idempotencyKey === null || grant.details.idempotencyKey === idempotencyKey),
      );
    return { rows, next: page.next };
  });

/** Which of a book's grants can be asked for; null: none. What was made under a key, the answer to it tells. */
async function rangeOf(
  connection: Connection,
  { key }: BookView,
  { from, idempotencyKey, grantOf }: GrantsQuestion,
): Promise<Pick<GrantRange, 'from' | 'to'> | null> {
  if (idempotencyKey === null) return { from, to: null };
  const answer = await rememberedUnder(connection, key, idempotencyKey);
  const made = answer === undefined ? null : grantOf(answer);
  return made === null ? null : { from: made, to: made };
}
