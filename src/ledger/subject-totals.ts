import type { KnownBook } from '../db/placement.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Instant } from '../instant.ts';
import { readRouteTotal, ROUTE, type AccountTotal, type RouteTotalRow } from './account-totals.ts';
import { KNOWN_BOOK } from './as-of.ts';

/** A grant, a charge, or what a grant did for a charge; null: any. */
export type Subject = { readonly grantId: string | null; readonly chargeId: string | null };

const p = parameters({ ...KNOWN_BOOK, through: 'timestamptz', grantId: 'uuid', chargeId: 'uuid' });

const totals = (name: string, about: string): Statement<RouteTotalRow> =>
  statement(
    name,
    `select ${ROUTE}, own.amount
     from (
       select e.sub_account, sum(e.amount) as amount from entries e
       where e.shard = ${p.shard} and e.book_id = ${p.bookId} and ${about}
         and e.version <= ${p.version} and e.booked_at <= ${p.through}
       group by e.sub_account
     ) own
     join sub_accounts s on s.shard = ${p.shard} and s.book_id = ${p.bookId} and s.ordinal = own.sub_account`,
  );

// One statement for each index that can serve it.
const OF_GRANT = totals(
  'totals_of_grant',
  `e.grant_id = ${p.grantId} and (${p.chargeId} is null or e.charge_id = ${p.chargeId})`,
);
const OF_CHARGE = totals('totals_of_charge', `${p.grantId} is null and e.charge_id = ${p.chargeId}`);

/**
 * What the entries of a grant or charge, booked at or before an instant, add up to in each sub-account, as known at a
 * version: running totals are of all grants and charges together. Reads them all: it costs what the grant or charge did,
 * not what the book did.
 */
export async function subjectTotals(
  connection: Connection,
  book: KnownBook,
  through: Instant,
  subject: Subject,
): Promise<readonly AccountTotal[]> {
  const which = subject.grantId === null ? OF_CHARGE : OF_GRANT;
  return (await connection.run(which, bind(p, book, subject, { through }))).map(readRouteTotal);
}
