import type { Amount } from '../amount.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { CHARGE_COLUMNS, readCharge, type ChargeRow } from '../tables/charge-rows.ts';
import {
  chargeFact,
  closingFact,
  eventFact,
  grantFact,
  termsFact,
  voidFact,
  type Fact,
} from '../book/facts.ts';
import { readTerms, TERMS, type TermsRow } from '../tables/former-terms.ts';
import { GRANT_COLUMNS, readGrant, type GrantRow } from '../tables/grant-rows.ts';
import type { Salt } from '../ledger/hash.ts';

/** The facts of writes as their rows have them, in order of version: what a write's link is held against. */

/** A fact but for the salt of its write. */
type Unsalted = { readonly version: number; readonly fact: (salt: Salt) => Fact };

/** Facts of one kind: their rows in order of version, by a cursor, so that the database sorts and a page is read. */
type Source = {
  readonly declare: Statement<never>;
  /** The next ones; none at the end. */
  fetch(connection: Connection): Promise<readonly Unsalted[]>;
};

const PAGE = 500;

// oxlint-disable-next-line no-unnecessary-type-parameters -- ties what is read to what is selected
function source<Row>(name: string, select: string, read: (row: Row) => Unsalted): Source {
  const cursor = `${name}_by_version`;
  const fetch = statement<Row>(`fetch_${cursor}`, `fetch ${PAGE} from ${cursor}`);
  return {
    declare: statement(`declare_${cursor}`, `declare ${cursor} no scroll cursor for ${select}`),
    fetch: async (connection) => (await connection.run(fetch)).map(read),
  };
}

const OWN = 'shard = $1 and book_id = $2';

const SOURCES: readonly Source[] = [
  source<GrantRow>(
    'grants',
    `select ${GRANT_COLUMNS} from grants g where ${OWN} order by g.version`,
    (row) => ({ version: row.version, fact: (salt) => grantFact(salt, readGrant(row).grant) }),
  ),
  source<TermsRow & { grant_id: string; version: number; since: Instant }>(
    'terms',
    // Each terms are in force from the change before them on, the first from the grant's recording.
    `select t.grant_id, t.version, t.since, ${TERMS('t')} from (
       select f.grant_id, coalesce(lag(f.until_version) over changes, g.version) as version,
              coalesce(lag(f.until) over changes, g.recorded_at) as since, ${TERMS('f')}
       from former_terms f
       join grants g on g.shard = f.shard and g.book_id = f.book_id and g.id = f.grant_id
       where f.shard = $1 and f.book_id = $2
       window changes as (partition by f.grant_id order by f.until_version)
       union all
       select g.id, coalesce(last.until_version, g.version), coalesce(last.until, g.recorded_at), ${TERMS('g')}
       from grants g
       left join lateral (
         select f.until_version, f.until from former_terms f
         where f.shard = g.shard and f.book_id = g.book_id and f.grant_id = g.id
         order by f.until_version desc limit 1
       ) last on true
       where g.shard = $1 and g.book_id = $2
     ) t order by t.version`,
    (row) => ({
      version: row.version,
      fact: () => termsFact(idOf('grt', row.grant_id), row.since, readTerms(row)),
    }),
  ),
  source<GrantRow>(
    'voids',
    `select ${GRANT_COLUMNS} from grants g where ${OWN} and g.voided_version is not null order by g.voided_version`,
    (row) => ({ version: row.voided_version!, fact: (salt) => voidFact(salt, readGrant(row).grant) }),
  ),
  source<ChargeRow>(
    'charges',
    `select ${CHARGE_COLUMNS} from charges c where ${OWN} order by c.version`,
    (row) => ({
      version: row.version,
      fact: (salt) => chargeFact(salt, readCharge(row).charge, row.closed_version !== row.version),
    }),
  ),
  source<ChargeRow>(
    'closings',
    `select ${CHARGE_COLUMNS} from charges c where ${OWN} and c.closed_version is not null order by c.closed_version`,
    (row) => ({ version: row.closed_version!, fact: () => closingFact(readCharge(row).charge) }),
  ),
  source<{
    charge_id: string;
    version: number;
    amount: Amount;
    collected: Amount;
    booked_at: Instant;
    sequence: number | null;
  }>(
    'charge_events',
    `select charge_id, version, amount, collected, booked_at, sequence from charge_events
     where ${OWN} order by version`,
    ({ charge_id: chargeId, booked_at: bookedAt, ...row }) => ({
      version: row.version,
      fact: () => eventFact({ ...row, chargeId: idOf('chg', chargeId), bookedAt }),
    }),
  ),
];

/** The facts of a book, asked for one version after the other; those of versions passed over are left out. */
export type FactReader = {
  /** With the salt that the write of the version has. */
  at(version: number): Promise<(salt: Salt) => readonly Fact[]>;
};

/** Within one transaction, as cursors are. */
export async function readFacts(
  connection: Connection,
  { shard, id }: { readonly shard: number; readonly id: string },
): Promise<FactReader> {
  const queues = SOURCES.map(({ fetch }) => ({ fetch, rows: [] as Unsalted[], ended: false }));
  await Promise.all(SOURCES.map(({ declare }) => connection.run(declare, [shard, id])));

  async function upTo(queue: (typeof queues)[number], version: number): Promise<readonly Unsalted[]> {
    const found: Unsalted[] = [];
    for (;;) {
      const next = queue.rows.findIndex((row) => row.version > version);
      found.push(...queue.rows.splice(0, next === -1 ? queue.rows.length : next));
      if (next !== -1 || queue.ended) return found.filter((row) => row.version === version);
      queue.rows = [...(await queue.fetch(connection))];
      queue.ended = queue.rows.length === 0;
    }
  }

  return {
    async at(version) {
      const found = (await Promise.all(queues.map((queue) => upTo(queue, version)))).flat();
      return (salt) => found.map(({ fact }) => fact(salt));
    },
  };
}
