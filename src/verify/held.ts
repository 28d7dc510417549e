import type { Amount } from '../amount.ts';
import { statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';

/** What the entries of a grant's held credit (CUSTOMER_FBO) and of its revenue say of it, from their amounts alone. */
export type Held = {
  /** Issued or given as an adjustment. */
  readonly issued: Amount;
  readonly remaining: Amount;
  /** Expired or voided, less what was taken back of it. */
  readonly forfeited: Amount;
  /** When it became credit; null: it never did. */
  readonly bookedAt: Instant | null;
  readonly bookedVersion: number | null;
  readonly voidedAt: Instant | null;
  readonly voidedVersion: number | null;
  /** Whether its void took back what is owed for it, rather than leave it to breakage. */
  readonly released: boolean;
  /** What of it is earnings. */
  readonly recognized: Amount;
  /** Whether an expiry was ever booked. */
  readonly expired: boolean;
  /** The first version that touched it after the last one that left something of it; null: none ever did. */
  readonly exhaustedVersion: number | null;
};

type Row = {
  grant_id: string;
  issued: Amount;
  remaining: Amount;
  forfeited: Amount;
  booked_at: Instant | null;
  booked_version: number | null;
  voided_at: Instant | null;
  voided_version: number | null;
  released: boolean;
  recognized: Amount;
  expired: boolean;
  exhausted_version: number | null;
};

const BECAME = `kind = 'ISSUE' or (kind = 'ADJUST' and amount > 0)`;

// Added up by the database: one grant may have paid for everything a customer ever did.
const HELD = statement<Row>(
  'held_by_grants',
  `with moves as (
     select s.type, e.grant_id, e.version, e.position, e.kind, e.amount, e.booked_at,
            sum(e.amount) over recorded as held, lead(e.version) over recorded as next_version
     from unnest($3::uuid[]) named (grant_id)
     join lateral (
       select * from entries e where e.shard = $1 and e.book_id = $2 and e.grant_id = named.grant_id offset 0
     ) e on true
     -- one by one: where a book has thousands of routes, as a join they are all read for every entry
     join lateral (
       select s.type from sub_accounts s where s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account offset 0
     ) s on s.type in ('CUSTOMER_FBO', 'EARNINGS')
     window recorded as (partition by e.grant_id, s.type order by e.version, e.position)
   )
   select grant_id,
          coalesce(sum(amount) filter (where ${BECAME}), 0) as issued,
          sum(amount) filter (where type = 'CUSTOMER_FBO') as remaining,
          coalesce(sum(amount) filter (where type = 'EARNINGS'), 0) as recognized,
          -coalesce(sum(amount) filter (where kind in ('EXPIRE', 'EXPIRE_UNDONE', 'VOID')), 0) as forfeited,
          min(booked_at) filter (where ${BECAME}) as booked_at,
          min(version) filter (where ${BECAME}) as booked_version,
          min(booked_at) filter (where kind = 'VOID') as voided_at,
          min(version) filter (where kind = 'VOID') as voided_version,
          -- a void has two sides, one behind the other
          coalesce(bool_or((
            select s.type from entries o
            join sub_accounts s on s.shard = $1 and s.book_id = $2 and s.ordinal = o.sub_account
            where o.shard = $1 and o.book_id = $2 and o.version = moves.version and o.position = moves.position + 1
          ) = 'CUSTOMER_RECEIVABLE') filter (where kind = 'VOID'), false) as released,
          bool_or(kind = 'EXPIRE') as expired,
          max(next_version) filter (where type = 'CUSTOMER_FBO' and held > 0 and next_version <> version) as exhausted_version
   from moves group by grant_id`,
);

/** By grant id; a grant without entries is not among them. */
export async function heldByGrants(
  connection: Connection,
  { shard, id }: { readonly shard: number; readonly id: string },
  grantIds: readonly string[],
): Promise<ReadonlyMap<string, Held>> {
  const rows = await connection.run(HELD, [shard, id, grantIds.map(uuidOf)]);
  return new Map(rows.map((row) => [idOf('grt', row.grant_id), read(row)]));
}

const read = (row: Row): Held => ({
  issued: row.issued,
  remaining: row.remaining,
  forfeited: row.forfeited,
  bookedAt: row.booked_at,
  bookedVersion: row.booked_version,
  voidedAt: row.voided_at,
  voidedVersion: row.voided_version,
  released: row.released,
  recognized: row.recognized,
  expired: row.expired,
  exhaustedVersion: row.exhausted_version,
});
