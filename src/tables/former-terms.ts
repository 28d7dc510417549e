import type { Grant } from '../credit/grant.ts';
import { bulkInsert } from '../db/bulk.ts';
import { bigint, smallint, text, timestamptz, uuid } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { eachOnce, ofNamed, placesOf, type Placed } from '../db/placement.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { GrantRow } from './grant-rows.ts';

/** The only reader and writer of `former_terms`: what a grant's times and payment were until a version changed them. */

export type FormerTerms = {
  readonly grantId: string;
  readonly untilVersion: number;
  readonly until: Instant;
  readonly terms: Terms;
};

/** What of a grant a reschedule or a settlement event may change. */
export type Terms = Pick<Grant, 'effectiveAt' | 'expiresAt' | 'fundedAt'> & {
  readonly payment: Pick<
    Grant['funding'],
    'status' | 'issuedAt' | 'authorizedAt' | 'settledAt' | 'failedAt' | 'invoiceId'
  >;
};

export type TermsRow = Pick<
  GrantRow,
  | 'effective_at'
  | 'expires_at'
  | 'funded_at'
  | 'settlement_status'
  | 'issued_at'
  | 'authorized_at'
  | 'settled_at'
  | 'failed_at'
  | 'invoice_id'
>;

type Row = { grant_id: string; until_version: number; until: Instant } & TermsRow;

/** The columns of terms, of a row called `of`. */
export const TERMS = (of: string): string =>
  ['effective_at', 'expires_at', 'funded_at', 'settlement_status', 'issued_at', 'authorized_at', 'settled_at']
    .concat(['failed_at', 'invoice_id'])
    .map((column) => `${of}.${column}`)
    .join(', ');

// Few grants are ever rescheduled or paid in steps, and none of them often.
const OF_GRANTS = statement<Row>(
  'former_terms_of_grants',
  `select t.grant_id, t.until_version, t.until, ${TERMS('t')}
   from unnest($1::smallint[], $2::uuid[], $4::uuid[]) named (shard, book_id, grant_id)
   ${ofNamed('former_terms', 't', 't.grant_id = named.grant_id')}
   order by t.until_version`,
);

/** The former terms of some grants, oldest first, by grant id. */
export async function loadFormerTerms(
  connection: Connection,
  named: readonly (Placed & { readonly grantId: string })[],
): Promise<ReadonlyMap<string, readonly FormerTerms[]>> {
  if (named.length === 0) return new Map();
  const grants = eachOnce(named, ({ grantId }) => grantId);
  const params = [...placesOf(grants), grants.map((n) => uuidOf(n.grantId))];
  return Map.groupBy((await connection.run(OF_GRANTS, params)).map(read), (former) => former.grantId);
}

const REPLACED_SINCE = statement<{ grant_id: string }>(
  'terms_replaced_since',
  `select distinct t.grant_id from former_terms t where t.shard = $1 and t.book_id = $2 and t.until_version > $3`,
);

/** The grants of a book whose times or payment were changed after a version. */
export const termsReplacedSince = async (
  connection: Connection,
  { shard, bookId, since }: { readonly shard: number; readonly bookId: string; readonly since: number },
): Promise<readonly string[]> =>
  (await connection.run(REPLACED_SINCE, [shard, bookId, since])).map((row) => idOf('grt', row.grant_id));

const read = (row: Row): FormerTerms => ({
  grantId: idOf('grt', row.grant_id),
  untilVersion: row.until_version,
  until: row.until,
  terms: readTerms(row),
});

export const readTerms = (row: TermsRow): Terms => ({
  effectiveAt: row.effective_at,
  expiresAt: row.expires_at,
  fundedAt: row.funded_at,
  payment: {
    status: row.settlement_status,
    issuedAt: row.issued_at,
    authorizedAt: row.authorized_at,
    settledAt: row.settled_at,
    failedAt: row.failed_at,
    invoiceId: row.invoice_id,
  },
});

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
  const { payment, ...times } = then.terms;
  return { ...grant, ...times, funding: { ...grant.funding, ...payment } };
}

/** What a write changed of a grant's terms; null if nothing. */
export function replacedTerms(
  before: Grant,
  after: Grant,
  untilVersion: number,
  until: Instant,
): FormerTerms | null {
  const same =
    before.effectiveAt === after.effectiveAt &&
    before.expiresAt === after.expiresAt &&
    before.fundedAt === after.fundedAt &&
    before.funding === after.funding;
  if (same) return null;
  return { grantId: before.id, untilVersion, until, terms: termsOf(before) };
}

/** A grant's terms as they stand. */
export function termsOf({ effectiveAt, expiresAt, fundedAt, funding }: Grant): Terms {
  const { status, issuedAt, authorizedAt, settledAt, failedAt, invoiceId } = funding;
  const payment = { status, issuedAt, authorizedAt, settledAt, failedAt, invoiceId };
  return { effectiveAt, expiresAt, fundedAt, payment };
}

export type OwnedTerms = Placed & { readonly former: FormerTerms };

const insertFormerTerms = bulkInsert<OwnedTerms>('former_terms', {
  shard: smallint((own) => own.shard),
  book_id: uuid((own) => own.bookId),
  grant_id: uuid((own) => uuidOf(own.former.grantId)),
  until_version: bigint((own) => own.former.untilVersion),
  until: timestamptz((own) => own.former.until),
  effective_at: timestamptz((own) => own.former.terms.effectiveAt),
  expires_at: timestamptz((own) => own.former.terms.expiresAt),
  funded_at: timestamptz((own) => own.former.terms.fundedAt),
  settlement_status: text((own) => own.former.terms.payment.status),
  issued_at: timestamptz((own) => own.former.terms.payment.issuedAt),
  authorized_at: timestamptz((own) => own.former.terms.payment.authorizedAt),
  settled_at: timestamptz((own) => own.former.terms.payment.settledAt),
  failed_at: timestamptz((own) => own.former.terms.payment.failedAt),
  invoice_id: text((own) => own.former.terms.payment.invoiceId),
});

export const storeFormerTerms = (connection: Connection, replaced: readonly OwnedTerms[]): Promise<void> =>
  insertFormerTerms(connection, replaced);
