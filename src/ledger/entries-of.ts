import { kindsHeld } from './posting.ts';

/**
 * How entries are found through transactions, as pieces of SQL. Row by row ("offset 0" keeps it so): as joins Postgres
 * may read all there are.
 */

type Sql<Name extends string> = Readonly<Record<Name, string>>;

/** The transaction `t` of a version and an ordinal. */
export const transactionAt = (of: Sql<'shard' | 'bookId' | 'version' | 'ordinal'>): string => `
  cross join lateral (
    select * from transactions t
    where t.shard = ${of.shard} and t.book_id = ${of.bookId} and t.version = ${of.version} and t.ordinal = ${of.ordinal}
    offset 0
  ) t`;

/**
 * The entries of a row `t` of `transactions`: it says where each lies, so each is one probe of their key, however many
 * others its write or its sub-accounts have.
 */
export const entriesOf = ({ shard }: Sql<'shard'>): string => `
  select e.* from unnest(t.sub_accounts) with ordinality lies (sub_account, place)
  cross join lateral (
    select * from entries e
    where e.shard = ${shard} and e.book_id = t.book_id and e.sub_account = lies.sub_account
      and e.version = t.version and e.position = t.first_position + lies.place - 1
    offset 0
  ) e`;

/** Whether an entry `e` changes what remains of its grant. */
export const OF_CREDIT = 'e.grant_remaining is not null';

/**
 * Whether an entry `e` stands in the index by grant: one of credit, or of a kind that touches none. What else names a
 * grant lies in a transaction with one of these that names it, too.
 */
export const TELLS_GRANT = `(${OF_CREDIT} or (e.grant_id is not null and e.kind in ${kindsHeld(null)}))`;

/**
 * Whether an entry `e` stands in the index by charge. What else names a charge was collected for it: in a transaction of
 * its own, under a version that the charge knows.
 */
export const TELLS_CHARGE = `e.kind <> 'CONSUME'`;

/** The transactions `t` that collected for a charge, in order; `versions` names those that can have. */
export const collectionsOf = (
  of: Sql<'shard' | 'bookId' | 'charge' | 'versions'> & { where?: string },
): string => `
  select t.* from unnest(${of.versions}) collected (version)
  cross join lateral (
    select * from transactions t
    where t.shard = ${of.shard} and t.book_id = ${of.bookId} and t.version = collected.version
      and t.charge_id = ${of.charge} and t.kind = 'CONSUME'
    offset 0
  ) t`;
