import type { KnownBook } from '../db/placement.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Instant } from '../instant.ts';
import { readRouteTotal, ROUTE, type AccountTotal, type RouteTotalRow } from './account-totals.ts';
import { KNOWN_BOOK } from './as-of.ts';
import { collectionsOf, entriesOf, TELLS_CHARGE, TELLS_GRANT, transactionAt } from './entries-of.ts';

/** A grant, a charge, or what a grant did for a charge; null: any. */
export type Subject = { readonly grantId: string | null; readonly chargeId: string | null };

const ABOUT = { ...KNOWN_BOOK, through: 'timestamptz', chargeId: 'uuid' } as const;
const ofGrant = parameters({ ...ABOUT, grantId: 'uuid' });
const ofCharge = parameters({ ...ABOUT, collectedIn: 'bigint[]' });

const totals = (
  name: string,
  p: Readonly<Record<keyof typeof ABOUT, string>>,
  entries: string,
): Statement<RouteTotalRow> =>
  statement(
    name,
    `select ${ROUTE}, own.amount
     from (
       select e.sub_account, sum(e.amount) as amount from (${entries}) e
       where e.version <= ${p.version} and e.booked_at <= ${p.through}
       group by e.sub_account
     ) own
     join sub_accounts s on s.shard = ${p.shard} and s.book_id = ${p.bookId} and s.ordinal = own.sub_account`,
  );

const OF_GRANT = totals(
  'totals_of_grant',
  ofGrant,
  `select e.* from (
     select distinct e.version, e.transaction from entries e
     where e.shard = ${ofGrant.shard} and e.book_id = ${ofGrant.bookId} and e.grant_id = ${ofGrant.grantId} and ${TELLS_GRANT}
   ) named
   ${transactionAt({ ...ofGrant, version: 'named.version', ordinal: 'named.transaction' })}
   cross join lateral (${entriesOf(ofGrant)}) e
   where e.grant_id = ${ofGrant.grantId} and (${ofGrant.chargeId} is null or e.charge_id = ${ofGrant.chargeId})`,
);
const OF_CHARGE = totals(
  'totals_of_charge',
  ofCharge,
  `select e.* from (${collectionsOf({ ...ofCharge, charge: ofCharge.chargeId, versions: ofCharge.collectedIn })}) t
   cross join lateral (${entriesOf(ofCharge)}) e
   union all
   select e.* from entries e
   where e.shard = ${ofCharge.shard} and e.book_id = ${ofCharge.bookId} and e.charge_id = ${ofCharge.chargeId} and ${TELLS_CHARGE}`,
);

/**
 * What the entries of a grant or charge, booked at or before an instant, add up to in each sub-account, as known at a
 * version: running totals are of all grants and charges together. Reads them all: it costs what the grant or charge did,
 * not what the book did. `collectedIn`: the versions that can have collected for the charge.
 */
export async function subjectTotals(
  connection: Connection,
  book: KnownBook,
  through: Instant,
  { grantId, chargeId }: Subject,
  collectedIn: readonly number[],
): Promise<readonly AccountTotal[]> {
  const rows =
    grantId === null
      ? connection.run(OF_CHARGE, bind(ofCharge, book, { through, chargeId, collectedIn }))
      : connection.run(OF_GRANT, bind(ofGrant, book, { through, chargeId, grantId }));
  return (await rows).map(readRouteTotal);
}
