import type { Row } from '../db/codec.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { CHARGE_EVENTS, CHARGES, type ChargeEvent, type ChargeRow } from '../tables/charges.ts';
import {
  chargeFact,
  closingFact,
  eventFact,
  grantFact,
  termsFact,
  voidFact,
  writeLink,
  type Fact,
  type Identity,
} from '../book/facts.ts';
import { GRANTS, TERMS, type GrantRow, type Terms } from '../tables/grants.ts';
import type { Salt } from '../ledger/hash.ts';
import { answersOf, type WrittenAnswer } from './answers.ts';
import type { Book } from './book-set.ts';
import type { Sealed } from './chain.ts';
import type { StoredBook } from './check-book.ts';
import { cursor, type OpenCursor } from './cursor.ts';
import { writtenVersions, type Written, type WrittenWrite } from './written.ts';

/** The facts of writes as their rows have them, in order of version: what a write's link is held against. */

/** A fact but for the salt of its write. */
type Unsalted = { readonly version: number; readonly fact: (salt: Salt) => Fact };

const versionOf = ({ version }: Unsalted): number => version;

const OWN = 'shard = $1 and book_id = $2';

/** Facts of each kind in order of version, which no index has. */
const SOURCES: readonly OpenCursor<Unsalted>[] = [
  cursor(
    'grants_by_version',
    `select ${GRANTS.select('g')} from grants g where ${OWN} order by g.version`,
    (row: GrantRow): Unsalted => {
      const { version, grant } = GRANTS.read(row);
      return { version, fact: (salt) => grantFact(salt, grant) };
    },
    versionOf,
  ),
  cursor(
    'terms_by_version',
    // Each terms are in force from the change before them on, the first from the grant's recording.
    `select t.grant_id, t.version, t.since, ${TERMS.select('t')} from (
       select f.grant_id, coalesce(lag(f.until_version) over changes, g.version) as version,
              coalesce(lag(f.until) over changes, g.recorded_at) as since, ${TERMS.select('f')}
       from former_terms f
       join grants g on g.shard = f.shard and g.book_id = f.book_id and g.id = f.grant_id
       where f.shard = $1 and f.book_id = $2
       window changes as (partition by f.grant_id order by f.until_version)
       union all
       select g.id, coalesce(last.until_version, g.version), coalesce(last.until, g.recorded_at), ${TERMS.select('g')}
       from grants g
       left join lateral (
         select f.until_version, f.until from former_terms f
         where f.shard = g.shard and f.book_id = g.book_id and f.grant_id = g.id
         order by f.until_version desc limit 1
       ) last on true
       where g.shard = $1 and g.book_id = $2
     ) t order by t.version`,
    (row: Row<Terms> & { grant_id: string; version: number; since: Instant }): Unsalted => ({
      version: row.version,
      fact: () => termsFact(idOf('grt', row.grant_id), row.since, TERMS.read(row)),
    }),
    versionOf,
  ),
  cursor(
    'voids_by_version',
    `select ${GRANTS.select('g')} from grants g where ${OWN} and g.voided_version is not null order by g.voided_version`,
    (row: GrantRow): Unsalted => {
      const { voidedVersion, grant } = GRANTS.read(row);
      return { version: voidedVersion!, fact: (salt) => voidFact(salt, grant) };
    },
    versionOf,
  ),
  cursor(
    'charges_by_version',
    `select ${CHARGES.select('c')} from charges c where ${OWN} order by c.version`,
    (row: ChargeRow): Unsalted => {
      const { charge, closedVersion } = CHARGES.read(row);
      const { version } = charge;
      return { version, fact: (salt) => chargeFact(salt, charge, closedVersion !== version) };
    },
    versionOf,
  ),
  cursor(
    'closings_by_version',
    `select ${CHARGES.select('c')} from charges c where ${OWN} and c.closed_version is not null order by c.closed_version`,
    (row: ChargeRow): Unsalted => {
      const { charge, closedVersion } = CHARGES.read(row);
      return { version: closedVersion!, fact: () => closingFact(charge) };
    },
    versionOf,
  ),
  cursor(
    'charge_events_by_version',
    `select ${CHARGE_EVENTS.select('e')} from charge_events e where ${OWN} order by e.version`,
    (row: Row<ChargeEvent>): Unsalted => {
      const event = CHARGE_EVENTS.read(row);
      return { version: event.version, fact: () => eventFact(event) };
    },
    versionOf,
  ),
];

/** What the writes of a book recorded beside its transactions. */
type FactReader = {
  /** By version, those of versions up to one that nobody has asked for yet. */
  upTo(version: number): Promise<ReadonlyMap<number, readonly Unsalted[]>>;
};

/** Within one transaction, as cursors are. */
async function readFacts(connection: Connection, { shard, id }: Book): Promise<FactReader> {
  const cursors = await settleAll(SOURCES.map((open) => open(connection, [shard, id])));
  return {
    async upTo(version) {
      const found: Unsalted[] = [];
      await settleAll(
        cursors.map(async (one) => {
          for await (const page of one.upTo(version)) found.push(...page);
        }),
      );
      return Map.groupBy(found, versionOf);
    },
  };
}

/** A version of a book with the link its write should have by its facts, its answer and its owner. */
export type SealedVersion = {
  readonly version: Written;
  readonly sealed: Sealed | null;
  /** Whether an answer is remembered under its key. */
  readonly answered: boolean;
};

/** A book's versions, oldest first, in pages. Within one transaction. */
export async function* sealedVersions(
  connection: Connection,
  book: StoredBook,
): AsyncGenerator<readonly SealedVersion[], void, undefined> {
  const reader = await readFacts(connection, book);
  for await (const versions of writtenVersions(connection, book)) {
    const keys = versions.flatMap(({ write }) => write?.idempotencyKey ?? []);
    const answers = await answersOf(connection, book, keys);
    const recorded = await reader.upTo(versions.at(-1)!.version);
    yield versions.map((version) => {
      const { write } = version;
      const answer = answers.get(write?.idempotencyKey ?? '') ?? null;
      const salt = write?.salt ?? null;
      const facts = salt === null ? [] : (recorded.get(version.version) ?? []).map(({ fact }) => fact(salt));
      const sealed =
        write === null || salt === null ? null : sealOf(book, version.version, write, facts, answer);
      return { version, sealed, answered: answer !== null };
    });
  }
}

function sealOf(
  { key, registered, shard, id: bookId }: StoredBook,
  version: number,
  write: WrittenWrite,
  facts: readonly Fact[],
  answered: WrittenAnswer | null,
): Sealed {
  // For whom it was made: whether that is whose it is now is told once, by the register.
  const owner: Identity = { key: registered ?? key, shard, bookId };
  const subject = (kind: 'grt' | 'chg') => {
    const [one, ...others] = new Set(facts.map(([, of]) => of).filter((id) => id.startsWith(kind)));
    return others.length === 0 ? one : undefined;
  };
  const [grantId, chargeId] = [subject('grt'), subject('chg')];
  return {
    linkAfter: (before) =>
      writeLink(before, owner, { ...write, salt: write.salt!, version, facts, answered }),
    about: { ...(grantId !== undefined && { grantId }), ...(chargeId !== undefined && { chargeId }) },
  };
}
