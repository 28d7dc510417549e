import type { Grant } from '../credit/grant.ts';
import { bigint, id, inKey, timestamptz } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { AGREED, TERMS, type Terms } from './grants.ts';

/** The only reader and writer of `former_terms`: what a grant's times and payment were until a version changed them. */

export type FormerTerms = {
  readonly grantId: string;
  readonly untilVersion: number;
  readonly until: Instant;
  readonly terms: Terms;
};

export const FORMER_TERMS = tableOf<FormerTerms>('former_terms', {
  grantId: inKey(id('grt')),
  untilVersion: inKey(bigint),
  until: timestamptz,
  terms: AGREED,
});

// Few grants are ever rescheduled or paid in steps, and none of them often.
const findFormerTerms = FORMER_TERMS.finderById(
  'former_terms_of_grants',
  'grant_id',
  'grantId',
  'order by r.until_version',
);

/** The former terms of some grants, oldest first, by grant id. */
export const loadFormerTerms = async (
  connection: Connection,
  named: readonly (Placed & { readonly grantId: string })[],
): Promise<ReadonlyMap<string, readonly FormerTerms[]>> =>
  Map.groupBy(
    (await findFormerTerms(connection, named)).map(({ fact }) => fact),
    ({ grantId }) => grantId,
  );

/** The same of one book. */
export const formerTermsOf = (
  connection: Connection,
  { shard, bookId }: Placed,
  grantIds: Iterable<string>,
): Promise<ReadonlyMap<string, readonly FormerTerms[]>> =>
  loadFormerTerms(
    connection,
    Array.from(grantIds, (grantId) => ({ shard, bookId, grantId })),
  );

const REPLACED_SINCE = statement<{ grant_id: string }>(
  'terms_replaced_since',
  `select distinct t.grant_id from former_terms t where t.shard = $1 and t.book_id = $2 and t.until_version > $3`,
);

/** The grants of a book whose times or payment were changed after a version. */
export const termsReplacedSince = async (
  connection: Connection,
  { shard, bookId, since }: Placed & { readonly since: number },
): Promise<readonly string[]> =>
  (await connection.run(REPLACED_SINCE, [shard, bookId, since])).map((row) => idOf('grt', row.grant_id));

/** A grant's times before each reschedule, as the core asks for them. */
export const formerTimesOf = (former: readonly FormerTerms[] | undefined): Grant['formerTimes'] =>
  (former ?? []).map(({ until, terms: { effectiveAt, expiresAt } }) => ({ until, effectiveAt, expiresAt }));

/** The grant with the terms in force at a version. */
export function withTermsAt(
  grant: Grant,
  version: number,
  former: readonly FormerTerms[] | undefined,
): Grant {
  const then = former?.find((one) => version < one.untilVersion);
  if (then === undefined) return grant;
  return { ...grant, ...then.terms, funding: { ...grant.funding, ...then.terms.funding } };
}

/** What a write changed of a grant's terms; null if nothing. */
export const replacedTerms = (
  before: Grant,
  after: Grant,
  untilVersion: number,
  until: Instant,
): FormerTerms | null =>
  TERMS.same(before, after) ? null : { grantId: before.id, untilVersion, until, terms: TERMS.pick(before) };

export const storeFormerTerms = FORMER_TERMS.insert;
