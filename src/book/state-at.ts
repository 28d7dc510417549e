import { sumAmounts, type Amount } from '../amount.ts';
import { advanceTo } from '../credit/advance-to.ts';
import { emptyBook, type BookState, type Outcome } from '../credit/book-state.ts';
import { advanceKey, type Advance } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { CLASSES, latestEnds } from '../db/span.ts';
import { idOf, uuidOf } from '../id.ts';
import { grantTotals, type GrantTotals } from '../ledger/history.ts';
import { ADVANCE_COLUMNS, loadOpenAdvances, readAdvance, type AdvanceRow } from './charge-rows.ts';
import { GRANT_COLUMNS, loadOpenGrants, readGrant, type GrantRow, type StoredGrant } from './grant-rows.ts';
import type { BookView } from './view.ts';

/**
 * The open state of a book at the version a question knows, run forward to the instant it asks about, which must not
 * lie before the version's clock. For the latest version the projections are the state; for an earlier one it is
 * rebuilt from the facts known then and the journal's running totals. `named` grants are included, open or not.
 */
export async function stateAt(
  connection: Connection,
  view: BookView,
  named: readonly StoredGrant[] = [],
): Promise<BookState> {
  return (await runForward(connection, view, named)).state;
}

/** The same, with the postings that lie between what is booked and the instant asked about: the forecast. */
export async function runForward(
  connection: Connection,
  view: BookView,
  named: readonly StoredGrant[] = [],
): Promise<Outcome> {
  if (view.id === null) return { state: emptyBook(view.asOf), postings: [], allocations: [] };
  const state = await (view.current ? currentState : rebuiltState)(connection, view, view.id, named);
  return advanceTo(state, view.asOf);
}

async function currentState(
  connection: Connection,
  view: BookView,
  bookId: string,
  named: readonly StoredGrant[],
): Promise<BookState> {
  const [grants, advances] = await settleAll([
    loadOpenGrants(connection, view.shard, [bookId]),
    loadOpenAdvances(connection, view.shard, [bookId]),
  ]);
  return assemble(
    view,
    [...named.map((own) => own.grant), ...grants.map((row) => readGrant(row).grant)],
    advances.map(readAdvance),
  );
}

// Rows that are history now but were open at the version, by the length of their life in versions, and those still
// open. One that closed, was reopened by a correction and closed again counts as open in between: harmless.
const openThen = (table: string, columns: string): string => `
  select ${columns} from unnest($4::smallint[], $5::bigint[]) c (class, latest_end)
  join lateral (
    select * from ${table} t
    where t.shard = $1 and t.book_id = $2 and t.span_class = c.class
      and t.closed_version > $3 and t.closed_version <= c.latest_end and t.version <= $3
    offset 0
  ) ${table[0]} on true
  union all
  select ${columns} from ${table} ${table[0]}
  where ${table[0]}.shard = $1 and ${table[0]}.book_id = $2 and ${table[0]}.closed_version is null and ${table[0]}.version <= $3`;

const GRANTS_OPEN_THEN = statement<GrantRow>('grants_open_then', openThen('grants', GRANT_COLUMNS));
const ADVANCES_OPEN_THEN = statement<AdvanceRow>('advances_open_then', openThen('advances', ADVANCE_COLUMNS));

const COVERED_THEN = statement<{ charge_id: string; collection: number; amount: Amount }>(
  'covered_then',
  `select a.charge_id, a.collection, a.amount from allocations a
   where a.shard = $1 and a.book_id = $2 and a.charge_id = any($4::uuid[]) and a.version <= $3 and a.kind = 'COVER'`,
);

async function rebuiltState(
  connection: Connection,
  view: BookView,
  bookId: string,
  named: readonly StoredGrant[],
): Promise<BookState> {
  const { shard, version, clock } = view;
  const params = [shard, bookId, version, CLASSES, latestEnds(version)];
  const [grantRows, advanceRows] = await settleAll([
    connection.run(GRANTS_OPEN_THEN, params),
    connection.run(ADVANCES_OPEN_THEN, params),
  ]);
  const then = [...named, ...grantRows.map(readGrant)];
  const advances = advanceRows.map(readAdvance);
  const [totals, covered] = await settleAll([
    grantTotals(
      connection,
      { shard, bookId, at: clock, recordedBy: version, version },
      then.map(({ grant }) => grant.id),
    ),
    connection.run(COVERED_THEN, [
      shard,
      bookId,
      version,
      advances.map((advance) => uuidOf(advance.chargeId)),
    ]),
  ]);
  return assemble(
    view,
    then.map((own) => grantAsKnown(own, view, totals)),
    advances.map((advance) => ({
      ...advance,
      uncovered:
        advance.amount -
        sumAmounts(
          covered
            .filter(
              (c) => idOf('chg', c.charge_id) === advance.chargeId && c.collection === advance.collection,
            )
            .map((c) => c.amount),
        ),
    })),
  );
}

/** A grant as it stood at the version's clock, by what was known at that version. */
export function grantAsKnown(
  { grant, bookedVersion, voidedVersion }: StoredGrant,
  { version, clock }: Pick<BookView, 'version' | 'clock'>,
  totals: ReadonlyMap<string, GrantTotals>,
): Grant {
  const booked = bookedVersion !== null && bookedVersion <= version;
  const voided = voidedVersion !== null && voidedVersion <= version;
  const known: Grant = {
    ...grant,
    bookedAt: booked ? grant.bookedAt : null,
    voidedAt: voided ? grant.voidedAt : null,
    voidReason: voided ? grant.voidReason : null,
    moves: [],
  };
  if (!booked) {
    const parts = { remaining: 0n, consumed: 0n, expired: 0n, voided: 0n };
    if (voided) return { ...known, ...parts, phase: 'CALLED_OFF', voided: grant.amount };
    return grant.expiresAt <= clock
      ? { ...known, ...parts, phase: 'LAPSED', expired: grant.amount }
      : { ...known, ...parts, phase: 'SCHEDULED' };
  }
  const { remaining, forfeited } = totalsOf(totals, grant.id);
  return {
    ...known,
    phase: !voided && forfeited > 0n ? 'EXPIRED' : 'CREDIT',
    remaining,
    consumed: grant.amount - remaining - forfeited,
    expired: voided ? 0n : forfeited,
    voided: voided ? forfeited : 0n,
  };
}

export const totalsOf = (totals: ReadonlyMap<string, GrantTotals>, grantId: string): GrantTotals => {
  const found = totals.get(grantId);
  if (found === undefined) throw new Error(`invariant: the journal was not asked about ${grantId}`);
  return found;
};

const assemble = (view: BookView, grants: readonly Grant[], advances: readonly Advance[]): BookState => ({
  version: view.version,
  clock: view.clock,
  historyFrom: view.clock,
  grants: new Map(grants.map((grant) => [grant.id, grant])),
  advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
  charges: new Map(),
});
