import type { Amount } from '../amount.ts';
import { codec, type Row } from '../db/codec.ts';
import { as, bigint, id, integer, numeric, optional, text, timestamptz } from '../db/columns.ts';
import { awaitAll, statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Instant } from '../instant.ts';
import { entriesOf, OF_CREDIT } from './entries-of.ts';
import type { PostingKind } from './posting.ts';
import { idIn } from './transaction-id.ts';
import { isVersionBy, LOOKED_UP } from './writes.ts';
import { isSettledIn, SETTLED, settledIn, type SettledFilter } from './settled.ts';

/**
 * What moved settled in a scope, one row per event (domain.md §11). A row is a transaction and its net change of settled
 * there; a net of zero shows no row. An expiry and what undid part of it are one row, and so are the coverings of one
 * charge's advances by one grant at one instant of one write; credit paid after its own expiry, issued and gone in one
 * breath, shows none. What a correction gives back to a grant that has expired expires in a row of its own.
 */
export type Movement = {
  /** Null: it has fallen due, or lies ahead, and is not booked yet. */
  readonly id: string | null;
  readonly kind: PostingKind;
  readonly currency: string;
  readonly amount: Amount;
  /** Null for credit that an adjustment took, be it from one grant alone: no grant is what that is about. */
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Of an adjustment; null otherwise. */
  readonly reason: string | null;
  readonly recordedAt: Instant;
} & MovementKey;

/** Where a row stands: newest first is descending (booked_at, version, position). */
export type MovementKey = { readonly bookedAt: Instant; readonly version: number; readonly position: number };

export type MovementPage = SettledFilter & {
  readonly kinds: readonly PostingKind[];
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly until: Instant;
  /** Rows strictly older or newer than this one. */
  readonly beyond: MovementKey;
  readonly direction: 'older' | 'newer';
  readonly limit: number;
};

const MOVEMENT = codec<Movement>({
  id: optional(id('txn')),
  kind: text,
  currency: text,
  amount: numeric,
  grantId: optional(id('grt')),
  chargeId: optional(id('chg')),
  reason: optional(text),
  recordedAt: timestamptz,
  bookedAt: timestamptz,
  version: bigint,
  position: as('ordinal', integer),
});

const p = parameters(SETTLED);

// Coverings that show in one row with t.
const COVERING = `
  t.kind = 'COVER' and e.shard = ${p.shard} and e.book_id = ${p.bookId} and e.charge_id = t.charge_id
  and e.version = t.version and e.kind = 'COVER' and e.grant_id = t.grant_id and e.booked_at = t.booked_at`;

// By its grant, not by instant or version alone: a thousand grants may expire at one instant.
const OF_GRANT = `
  e.shard = ${p.shard} and e.book_id = ${p.bookId} and e.grant_id = t.grant_id and e.booked_at = t.booked_at`;

// What the grant of an expiry t lost at its instant, or got back of that.
const losing = (kind: 'EXPIRE' | 'EXPIRE_UNDONE'): string => `
  t.kind = 'EXPIRE' and ${OF_GRANT} and e.kind = '${kind}' and ${OF_CREDIT} and e.version <= ${p.version}`;

// What t shows: its own entries, and those of others that show in its row.
const SHOWN_ENTRIES = `
  select e.sub_account, e.amount from (${entriesOf(p)}) e
  union all
  select e.sub_account, e.amount from entries e where ${COVERING} and e.transaction > t.ordinal
  union all
  select e.sub_account, e.amount from entries e
  where ${losing('EXPIRE_UNDONE')}
    -- a later expiry at that instant is of credit that a correction gave back
    and not exists (
      select from entries e where ${losing('EXPIRE')} and (e.version, e.transaction) < (t.version, t.ordinal)
    )`;

// What has no row of its own.
const SHOWN_ELSEWHERE = `
  t.kind = 'EXPIRE_UNDONE'
  -- the first of some coverings stands for all
  or exists (select from entries e where ${COVERING} and e.transaction < t.ordinal)
  -- issued and gone in one breath
  or exists (
    select from entries e
    where t.kind in ('ISSUE', 'EXPIRE') and ${OF_GRANT} and ${OF_CREDIT} and e.version = t.version
      and e.kind in ('ISSUE', 'EXPIRE') and e.kind <> t.kind
  )`;

/** `which` picks transactions t, of all or of those a walk finds. */
const movements = (which: string, from = 'transactions'): string => `
  select ${idIn('t')} as id, t.kind, t.booked_at, t.version, t.ordinal, t.recorded_at, t.grant_id, t.charge_id, t.reason,
         net.currency, net.amount
  from ${from} t
  cross join lateral (
    select s.currency, sum(shown.amount) as amount from (${SHOWN_ENTRIES}) shown
    join sub_accounts s on s.shard = ${p.shard} and s.book_id = ${p.bookId} and s.ordinal = shown.sub_account
    where ${isSettledIn(p)}
    group by s.currency
  ) net
  where t.shard = ${p.shard} and t.book_id = ${p.bookId} and t.version <= ${p.version} and ${which} and net.amount <> 0
    -- of one row at a time: as "and not exists" Postgres may plan it as a join with all there are
    and not (${SHOWN_ELSEWHERE})`;

const paged = parameters({
  ...SETTLED,
  kinds: 'text[]',
  from: 'timestamptz',
  until: 'timestamptz',
  bookedAt: 'timestamptz',
  beyondVersion: 'bigint',
  position: 'integer',
  limit: 'bigint',
});

const page = (name: string, beyond: '<' | '>', order: 'asc' | 'desc'): Statement<Row<Movement>> =>
  statement(
    name,
    `${movements(`t.kind = any(${paged.kinds}) and t.booked_at >= ${paged.from} and t.booked_at < ${paged.until}
       and (t.booked_at, t.version, t.ordinal) ${beyond} (${paged.bookedAt}, ${paged.beyondVersion}, ${paged.position})`)}
     order by t.booked_at ${order}, t.version ${order}, t.ordinal ${order}
     limit ${paged.limit}`,
  );

const OLDER = page('movements_older', '<', 'desc');
const NEWER = page('movements_newer', '>', 'asc');

/** A page of rows beyond a key, in the order of the direction: the nearest to the key first. */
export async function pageOfMovements(
  connection: Connection,
  { beyond, direction, kinds, from, until, limit, ...filter }: MovementPage,
): Promise<readonly Movement[]> {
  const { bookedAt, version: beyondVersion, position } = beyond;
  const place = { bookedAt, beyondVersion, position };
  const rows = await connection.run(
    direction === 'older' ? OLDER : NEWER,
    bind(paged, settledIn(filter), { kinds, from, until, limit }, place),
  );
  return rows.map(readMovement);
}

const WAY = {
  shard: 'smallint',
  bookId: 'bigint',
  from: 'timestamptz',
  until: 'timestamptz',
  bookedAt: 'timestamptz',
  beyondVersion: 'bigint',
  position: 'integer',
  lookAt: 'bigint',
} as const;
const way = parameters(WAY);
const by = parameters({ ...SETTLED, ...WAY, kinds: 'text[]', actor: 'text', limit: 'bigint' });

function pageBy(name: string, beyond: '<' | '>', order: 'asc' | 'desc') {
  const walk = (of: Readonly<Record<keyof typeof WAY, string>>) => `
    select * from transactions t
    where t.shard = ${of.shard} and t.book_id = ${of.bookId} and t.booked_at >= ${of.from} and t.booked_at < ${of.until}
      and (t.booked_at, t.version, t.ordinal) ${beyond} (${of.bookedAt}, ${of.beyondVersion}, ${of.position})
    order by t.booked_at ${order}, t.version ${order}, t.ordinal ${order}
    limit ${of.lookAt}`;
  const isTheirs = `t.kind = any(${by.kinds}) and ${isVersionBy({ ...by, version: 't.version' }, by.actor)}`;
  return {
    page: statement<Row<Movement>>(
      `${name}_by_actor`,
      `${movements(isTheirs, `(${walk(by)})`)}
       order by t.booked_at ${order}, t.version ${order}, t.ordinal ${order} limit ${by.limit}`,
    ),
    end: statement<{ booked_at: Instant; version: number; ordinal: number }>(
      `end_of_${name}_by_actor`,
      `select booked_at, version, ordinal from (${walk(way)}) w offset ${way.lookAt} - 1 limit 1`,
    ),
  };
}

const BY_ACTOR = {
  older: pageBy('movements_older', '<', 'desc'),
  newer: pageBy('movements_newer', '>', 'asc'),
};

/**
 * The same of versions that one actor made, of a bounded number of transactions beyond the key: `end` is the last of them
 * where there may be more.
 */
export async function pageOfMovementsBy(
  connection: Connection,
  {
    beyond,
    direction,
    kinds,
    from,
    until,
    limit,
    actor,
    ...filter
  }: MovementPage & { readonly actor: string },
): Promise<{ readonly rows: readonly Movement[]; readonly end: MovementKey | null }> {
  const { bookedAt, version: beyondVersion, position } = beyond;
  const asked = { from, until, bookedAt, beyondVersion, position, lookAt: LOOKED_UP };
  const { page: rowsBy, end: endBy } = BY_ACTOR[direction];
  const [rows, [end]] = await awaitAll([
    connection.run(rowsBy, bind(by, settledIn(filter), asked, { kinds, actor, limit })),
    connection.run(endBy, bind(way, filter, asked)),
  ]);
  return {
    rows: rows.map(readMovement),
    end: end === undefined ? null : { bookedAt: end.booked_at, version: end.version, position: end.ordinal },
  };
}

const at = parameters({ ...SETTLED, instants: 'timestamptz[]' });
const AT_INSTANTS = statement<Row<Movement>>(
  'movements_at_instants',
  `${movements(`t.booked_at = any(${at.instants})`)} order by t.booked_at, t.version, t.ordinal`,
);

/** All rows of some instants, oldest first: what a running balance within an instant is made of. */
export async function movementsAt(
  connection: Connection,
  filter: SettledFilter,
  instants: readonly Instant[],
): Promise<readonly Movement[]> {
  const rows = await connection.run(AT_INSTANTS, bind(at, settledIn(filter), { instants }));
  return rows.map(readMovement);
}

const readMovement = (row: Row<Movement>): Movement => {
  const movement = MOVEMENT.read(row);
  return movement.kind === 'ADJUST' && movement.amount < 0n ? { ...movement, grantId: null } : movement;
};
