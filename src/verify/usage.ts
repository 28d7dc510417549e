import type { Amount } from '../amount.ts';
import { allocationKey, type EntryRef } from '../credit/charge.ts';
import { statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Book } from './book-set.ts';

/** What the journal alone does not tell of a consumption: which advance a covering is of, and what was handed back. */

type CoveredRow = { version: number; position: number; of_version: number; of_position: number };

const COVERED = statement<CoveredRow>(
  'advances_covered_to_verify',
  `select named.version, named.position, advance.version as of_version, advance.entry_position as of_position
   from unnest($3::uuid[], $4::bigint[], $5::integer[]) named (charge_id, version, position)
   join lateral (
     select * from allocations a
     where a.shard = $1 and a.book_id = $2 and a.charge_id = named.charge_id and a.version = named.version
       and a.position = named.position
     offset 0
   ) split on true
   join lateral (
     select * from advances a
     where a.shard = $1 and a.book_id = $2 and a.charge_id = named.charge_id and a.collection = split.collection
     offset 0
   ) advance on true`,
);

/** The entry of the advance that each of some coverings is of, by the place of the covering's first entry. */
export async function advancesCovered(
  connection: Connection,
  { shard, id }: Book,
  covers: readonly (EntryRef & { readonly chargeId: string })[],
): Promise<ReadonlyMap<string, EntryRef>> {
  if (covers.length === 0) return new Map();
  const rows = await connection.run(COVERED, [
    ...[shard, id, covers.map(({ chargeId }) => uuidOf(chargeId))],
    ...[covers.map(({ version }) => version), covers.map(({ position }) => position)],
  ]);
  return new Map(
    rows.map((row) => [allocationKey(row), { version: row.of_version, position: row.of_position }]),
  );
}

/** A collection that handed back part of what was asked, or all of it, for invoicing. */
export type HandedBack = {
  readonly chargeId: string;
  readonly version: number;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly at: Instant;
  readonly amount: Amount;
};

type HandedBackRow = {
  charge_id: string;
  currency: string;
  feature_key: string | null;
  version: number;
  booked_at: Instant;
  amount: Amount;
};

const PAGE = 500;

// A charge that was never open collected its amount at once, as of its start.
const HANDED_BACK = statement<HandedBackRow>(
  'handed_back_to_verify',
  `select c.id as charge_id, c.currency, c.feature_key, collection.version, collection.booked_at,
          collection.collected - taken.amount as amount
   from (
     select * from charges c
     where c.shard = $1 and c.book_id = $2 and c.id < $3::uuid
       and c.settlement_mode = 'CREDIT_THEN_INVOICE' and c.invoiced > 0
     order by c.id desc limit $4
   ) c
   left join lateral (
     select e.version, e.collected, e.booked_at from charge_events e
     where e.shard = $1 and e.book_id = $2 and e.charge_id = c.id and e.collected > 0
     union all
     select c.version, c.amount, c.starts_at
     where not exists (select from charge_events e where e.shard = $1 and e.book_id = $2 and e.charge_id = c.id)
   ) collection on true
   left join lateral (
     select coalesce(sum(a.amount), 0) as amount from allocations a
     where a.shard = $1 and a.book_id = $2 and a.charge_id = c.id and a.version = collection.version
       and a.kind = 'SOURCE'
   ) taken on true
   order by c.id desc`,
);

/** Every collection of a book that handed something back, by version. */
export async function collectionsHandedBack(
  connection: Connection,
  { shard, id }: Book,
): Promise<ReadonlyMap<number, readonly HandedBack[]>> {
  const found: HandedBack[] = [];
  for (let before = 'f'.repeat(32); ;) {
    const rows = await connection.run(HANDED_BACK, [shard, id, before, PAGE]);
    for (const row of rows) {
      if (row.version === null || row.amount <= 0n) continue;
      const { version, currency, feature_key: featureKey, booked_at: at, amount } = row;
      found.push({ chargeId: idOf('chg', row.charge_id), version, currency, featureKey, at, amount });
    }
    if (new Set(rows.map((row) => row.charge_id)).size < PAGE) break;
    before = uuidOf(idOf('chg', rows.at(-1)!.charge_id));
  }
  return Map.groupBy(found, ({ version }) => version);
}
