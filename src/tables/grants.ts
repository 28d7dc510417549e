import { isOpen, type Grant } from '../credit/grant.ts';
import { codec, unstored, type Row, type Shape } from '../db/codec.ts';
import {
  as,
  bigint,
  boolean,
  id,
  inKey,
  computed,
  numeric,
  optional,
  smallint,
  text,
  texts,
  timestamptz,
  columnSet,
} from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import type { Placed } from '../db/placement.ts';
import { lifeClass } from '../db/span.ts';
import { inBook, tableOf, type Owned } from '../db/table.ts';
import { timestamp } from '../db/types.ts';
import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { TAX } from '../ledger/sub-accounts.ts';
import { DETAILS } from './details.ts';

/** The only reader and writer of `grants`: a grant's facts, and where it stands now as a projection. */

/** A grant with the versions at which the service learned what it says: the system axis of its facts. */
export type StoredGrant = {
  readonly grant: Grant;
  readonly version: number;
  readonly bookedVersion: number | null;
  readonly voidedVersion: number | null;
  /** From this version on it is history; null while open. */
  readonly closedVersion: number | null;
};

/** How a grant is stored after a write that made or changed it. */
export function stored(before: StoredGrant | undefined, grant: Grant, version: number): StoredGrant {
  return {
    grant,
    version: before?.version ?? version,
    bookedVersion: before?.bookedVersion ?? (grant.bookedAt === null ? null : version),
    voidedVersion: before?.voidedVersion ?? (grant.voidedAt === null ? null : version),
    closedVersion: isOpen(grant) ? null : (before?.closedVersion ?? version),
  };
}

/** What of a grant a reschedule or a settlement event may change. */
export type Terms = Pick<Grant, 'effectiveAt' | 'expiresAt' | 'fundedAt'> & {
  readonly funding: Pick<
    Grant['funding'],
    'status' | 'issuedAt' | 'authorizedAt' | 'settledAt' | 'failedAt' | 'invoiceId'
  >;
};

/** What drawing on a grant or giving back to it changes: all that most writes have to say of it. */
const drawn = columnSet();
/** What a later write may change besides. */
const standing = columnSet();

/** Their columns, here and in `former_terms`. */
export const AGREED = {
  effectiveAt: standing(timestamptz),
  expiresAt: standing(timestamptz),
  fundedAt: standing(timestamptz),
  funding: {
    status: standing(as('settlement_status', optional(text))),
    issuedAt: standing(optional(timestamptz)),
    authorizedAt: standing(optional(timestamptz)),
    settledAt: standing(optional(timestamptz)),
    failedAt: standing(optional(timestamptz)),
    invoiceId: standing(optional(text)),
  },
} satisfies Shape<Terms>;
export const TERMS = codec<Terms>(AGREED);

export const GRANTS = tableOf<StoredGrant>(
  'grants',
  {
    version: bigint,
    grant: {
      ...AGREED,
      id: inKey(id('grt')),
      recordedAt: timestamptz,
      currency: text,
      amount: numeric,
      priority: smallint,
      featureKeys: texts,
      tax: TAX,
      details: DETAILS,
      funding: {
        ...AGREED.funding,
        method: as('funding_method', text),
        policy: as('availability_policy', text),
        purchaseCurrency: optional(text),
        costBasis: numeric,
        purchaseAmount: numeric,
        purchasePrecision: smallint,
      },
      phase: standing(text),
      bookedAt: standing(optional(timestamptz)),
      voidedAt: standing(optional(timestamptz)),
      voidReason: standing(optional(text)),
      released: standing(boolean),
      voided: standing(numeric),
      remaining: drawn(numeric),
      consumed: drawn(numeric),
      expired: drawn(numeric),
      recognized: drawn(numeric),
      formerTimes: unstored([]),
      moves: unstored([]),
    },
    bookedVersion: standing(optional(bigint)),
    voidedVersion: standing(optional(bigint)),
    closedVersion: drawn(optional(bigint)),
  },
  {
    span_class: computed(drawn(optional(smallint)), ({ fact: { version, closedVersion } }) =>
      lifeClass(version, closedVersion),
    ),
  },
);

export type GrantRow = Row<StoredGrant>;

export const loadOpenGrants = GRANTS.finder('open_grants', 'r.closed_version is null');

/** Grants named by their ids, open or not; an id the book does not have gives none. */
export const loadGrants = GRANTS.finderById('grants_by_id', 'id', 'grantId');

/** The same of one book. */
export const grantsOf = inBook(loadGrants, 'grantId');

/** Grants of some books that have expired since an instant each, with credit left that may still pay for what happened before. */
export const loadReclaimable = GRANTS.finder(
  'reclaimable_grants',
  "r.expires_at > named.by and r.expired > 0 and r.phase = 'EXPIRED'",
  { type: 'timestamptz', of: ({ since }: Placed & { readonly since: Instant }) => timestamp(since) },
);

const OTHERS = statement<GrantRow>(
  'other_grants',
  `select ${GRANTS.select('g')} from grants g
   where g.shard = $1 and g.book_id = $2 and g.currency = $3 and g.version <= $4
     -- recorded or credit by then
     and (g.recorded_at <= $5 or (g.booked_at <= $5 and g.booked_version <= $4))
     and g.id <> all($6::uuid[])
   order by g.id desc
   limit $7`,
);

/** The grants of a currency but some, that were recorded or credit at an instant as known: newest recorded first. */
export async function pageOfOtherGrants(
  connection: Connection,
  book: Placed & { readonly version: number },
  asked: {
    readonly currency: string;
    readonly at: Instant;
    readonly but: readonly string[];
    readonly limit: number;
  },
): Promise<readonly StoredGrant[]> {
  const { currency, at, but, limit } = asked;
  const params = [book.shard, book.bookId, currency, book.version, timestamp(at), but.map(uuidOf), limit];
  return (await connection.run(OTHERS, params)).map(GRANTS.read);
}

/** Whether drawing on it is all that has happened to a grant. */
export const isDrawnOnly = GRANTS.same(standing);

/** `drawnOnly`: that is all since it was loaded. */
export type OwnedGrant = Owned<StoredGrant> & { readonly drawnOnly: boolean };

const updateGrants = GRANTS.update('update_grants', [standing, drawn]);
const drawOnGrants = GRANTS.update('draw_on_grants', [drawn]);

export const storeGrants = (
  connection: Connection,
  made: readonly OwnedGrant[],
  changed: readonly OwnedGrant[],
): readonly Promise<void>[] => [
  GRANTS.insert(connection, made),
  updateGrants(
    connection,
    changed.filter(({ drawnOnly }) => !drawnOnly),
  ),
  drawOnGrants(
    connection,
    changed.filter(({ drawnOnly }) => drawnOnly),
  ),
];
