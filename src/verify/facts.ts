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
import type { Amount } from '../amount.ts';
import type { Charge } from '../credit/charge.ts';
import type { Row } from '../db/codec.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { Salt } from '../ledger/hash.ts';
import type { StoredWrite } from '../ledger/writes.ts';
import { CHARGE_EVENTS, CHARGES, type ChargeEvent, type ChargeRow } from '../tables/charges.ts';
import { GRANTS, TERMS, type GrantRow, type Terms } from '../tables/grants.ts';
import type { BookPlace } from './book-set.ts';
import type { Sealed } from './chain.ts';
import type { RegisteredBook } from './check-book.ts';
import { cursor, everyUpTo, type OpenCursor } from './cursor.ts';
import { writtenVersions, type Written } from './written.ts';

/** The facts of writes as their rows have them, in order of version: what a write's link is held against. */

/** What a charge that hands back for invoicing what credit does not cover was to collect under a version. */
export type AskedCharge = Pick<Charge, 'currency' | 'featureKey' | 'amount'> & {
  readonly chargeId: string;
  readonly at: Instant;
};

/** A fact but for the salt of its write. */
type Unsalted = {
  readonly version: number;
  readonly fact: (salt: Salt) => Fact;
  readonly asked?: AskedCharge;
};

const versionOf = ({ version }: Unsalted): number => version;

/** Facts in order of version, which no index has. */
// oxlint-disable-next-line no-unnecessary-type-parameters -- ties what is read to what is selected
const source = <Found>(name: string, select: string, read: (row: Found) => Unsalted): OpenCursor<Unsalted> =>
  cursor(`${name}_by_version`, select, read, versionOf);

type Told = { readonly what: string; readonly told: number };

/** A row as often as it tells a fact, each time with a version that tells it. */
const telling = (alias: string, facts: Readonly<Record<string, string>>): string =>
  `cross join lateral (values ${Object.entries(facts)
    .map(([what, column]) => `('${what}', ${alias}.${column})`)
    .join(', ')}) t (what, told)
   where ${alias}.shard = $1 and ${alias}.book_id = $2 and t.told is not null order by t.told`;

const SOURCES: readonly OpenCursor<Unsalted>[] = [
  source(
    'grants',
    `select t.what, t.told, ${GRANTS.select('g')} from grants g
     ${telling('g', { grant: 'version', void: 'voided_version' })}`,
    (row: GrantRow & Told) => {
      const { grant } = GRANTS.read(row);
      const fact = row.what === 'void' ? voidFact : grantFact;
      return { version: row.told, fact: (salt) => fact(salt, grant) };
    },
  ),
  source(
    'terms',
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
    (row: Row<Terms> & { grant_id: string; version: number; since: Instant }) => ({
      version: row.version,
      fact: () => termsFact(idOf('grt', row.grant_id), row.since, TERMS.read(row)),
    }),
  ),
  source(
    'charges',
    `select t.what, t.told, ${CHARGES.select('c')} from charges c
     ${telling('c', { charge: 'version', closing: 'closed_version' })}`,
    (row: ChargeRow & Told) => {
      const { charge, closedVersion } = CHARGES.read(row);
      if (row.what === 'closing') return { version: row.told, fact: () => closingFact(charge) };
      const wasOpen = closedVersion !== charge.version;
      const made = { version: row.told, fact: (salt: Salt) => chargeFact(salt, charge, wasOpen) };
      // One that never was open collected its amount at once.
      return wasOpen ? made : { ...made, ...askedFor(charge, charge.id, charge.amount, charge.startsAt) };
    },
  ),
  source(
    'charge_events',
    `select ${CHARGE_EVENTS.select('e')}, c.settlement_mode, c.currency, c.feature_key
     from charge_events e
     left join charges c on c.shard = e.shard and c.book_id = e.book_id and c.id = e.charge_id
     where e.shard = $1 and e.book_id = $2 order by e.version`,
    (row: Row<ChargeEvent> & Charging) => {
      const event = CHARGE_EVENTS.read(row);
      const { settlement_mode: mode, currency, feature_key: featureKey } = row;
      const charge = { mode, currency, featureKey };
      const { version, chargeId, collected, bookedAt } = event;
      return { version, fact: () => eventFact(event), ...askedFor(charge, chargeId, collected, bookedAt) };
    },
  ),
];

type Charging = {
  readonly settlement_mode: Charge['mode'];
  readonly currency: string;
  readonly feature_key: string | null;
};

const askedFor = (
  { mode, currency, featureKey }: Pick<Charge, 'mode' | 'currency' | 'featureKey'>,
  chargeId: string,
  amount: Amount,
  at: Instant,
): { readonly asked?: AskedCharge } =>
  mode === 'CREDIT_THEN_INVOICE' && amount > 0n
    ? { asked: { chargeId, currency, featureKey, amount, at } }
    : {};

/** What the writes of a book recorded beside its transactions. */
type FactReader = {
  /** By version, those of versions up to one that nobody has asked for yet. */
  upTo(version: number): Promise<ReadonlyMap<number, readonly Unsalted[]>>;
};

/** Within one transaction, as cursors are. */
async function readFacts(connection: Connection, { shard, id }: BookPlace): Promise<FactReader> {
  const cursors = await awaitAll(SOURCES.map((open) => open(connection, [shard, id])));
  return {
    async upTo(version) {
      const found = await awaitAll(cursors.map((one) => everyUpTo(one, version)));
      return Map.groupBy(found.flat(), versionOf);
    },
  };
}

/** A version of a book with the link its write should have by its facts, its answer and its owner. */
export type SealedVersion = {
  readonly version: Written;
  readonly sealed: Sealed | null;
  readonly asked: readonly AskedCharge[];
};

/** A book's versions, oldest first, in pages. Within one transaction. */
export async function* sealedVersions(
  connection: Connection,
  book: RegisteredBook,
): AsyncGenerator<readonly SealedVersion[], void, undefined> {
  const reader = await readFacts(connection, book);
  for await (const versions of writtenVersions(connection, book)) {
    const recorded = await reader.upTo(versions.at(-1)!.version);
    yield versions.map((version) => {
      const { write } = version;
      const salt = write?.salt ?? null;
      const own = recorded.get(version.version) ?? [];
      const facts = salt === null ? [] : own.map(({ fact }) => fact(salt));
      const sealed = write === null || salt === null ? null : sealOf(book, version.version, write, facts);
      const asked = own.flatMap((one) => one.asked ?? []);
      return { version, sealed, asked };
    });
  }
}

function sealOf(
  { key, registered, shard, uuid }: RegisteredBook,
  version: number,
  write: StoredWrite,
  facts: readonly Fact[],
): Sealed {
  // For whom it was made: whether that is whose it is now is told once, by the register.
  const owner: Identity = { key: registered ?? key, shard, uuid };
  const subject = (kind: 'grt' | 'chg') => {
    const [one, ...others] = new Set(facts.map(([, of]) => of).filter((id) => id.startsWith(kind)));
    return others.length === 0 ? one : undefined;
  };
  const [grantId, chargeId] = [subject('grt'), subject('chg')];
  return {
    linkAfter: (before) => writeLink(before, owner, { ...write, salt: write.salt!, version, facts }),
    about: { ...(grantId !== undefined && { grantId }), ...(chargeId !== undefined && { chargeId }) },
  };
}
