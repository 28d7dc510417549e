import { sumAmounts, type Amount } from '../amount.ts';
import { agreedAsKnown } from '../book/as-known.ts';
import { allocationKey, type EntryRef } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { untakenSteps } from '../credit/take.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { uuidOf } from '../id.ts';
import { ALWAYS, type Instant } from '../instant.ts';
import type { SubAccount } from '../ledger/account.ts';
import { type FormerTerms, formerTermsOf } from '../tables/former-terms.ts';
import { type StoredGrant, grantsOf } from '../tables/grants.ts';
import type { BookPlace } from './book-set.ts';
import { doneBy, held } from './rebuild-grant.ts';
import type { WrittenEntry, Written } from './written.ts';

/**
 * A book as its journal goes on, as far as it decides what a consumption takes: of each grant what nobody has taken at
 * any instant, and the advances that nothing has covered. Told by entries alone, in order of version: so at each version
 * it is what was known then.
 */
export type Replay = {
  /** Grants of which something is untaken, but those in `gone`. */
  readonly grants: Map<string, Replayed>;
  /** Those that expired with something left, which may still pay for what happened before. */
  readonly gone: Map<string, Replayed>;
  /** The same in order of expiry; some of them may not be there any more. */
  byExpiry: Replayed[];
  /** By the place of the entry that booked them: those with something uncovered. */
  readonly advances: Map<string, ReplayedAdvance>;
  /** Of the versions at hand: the advance each covering is of, by the place of its first entry. */
  covered: ReadonlyMap<string, EntryRef>;
  /** Nobody knows any more what there was. */
  lost: boolean;
};

/** `grant` has the amounts and moves of the entries so far; its terms are as they are now ({@link asKnownAt}). */
export type Replayed = {
  readonly former: ReadonlyMap<string, readonly FormerTerms[]>;
  grant: Grant;
};

export type ReplayedAdvance = {
  readonly chargeId: string;
  readonly entry: EntryRef;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly at: Instant;
  uncovered: Amount;
};

export const emptyReplay = (): Replay => ({
  grants: new Map(),
  gone: new Map(),
  byExpiry: [],
  advances: new Map(),
  covered: new Map(),
  lost: false,
});

const replayedOf = ({ grants, gone }: Replay, grantId: string): Replayed | undefined =>
  grants.get(grantId) ?? gone.get(grantId);

/** The grants that may have credit for something that happened at an instant. */
export function* creditSince({ grants, gone, byExpiry }: Replay, at: Instant): Generator<Replayed> {
  yield* grants.values();
  for (let i = byExpiry.length - 1; i >= 0 && byExpiry[i]!.grant.expiresAt > at; i -= 1) {
    const own = byExpiry[i]!;
    if (gone.get(own.grant.id) === own) yield own;
  }
}

/** A grant whose next entries are of a version: booked before it or not, it held nothing that was untaken. */
const unheld = (
  { grant, bookedVersion }: StoredGrant,
  former: readonly FormerTerms[],
  version: number,
): Replayed => ({
  former: new Map([[grant.id, former]]),
  grant: {
    ...grant,
    bookedAt: bookedVersion !== null && bookedVersion < version ? grant.bookedAt : null,
    remaining: 0n,
    consumed: 0n,
    expired: 0n,
    voided: 0n,
  },
});

/** A grant with the terms that were in force at the end of a version, and those known then to have been before. */
export const asKnownAt = ({ grant, former }: Replayed, version: number): Grant =>
  agreedAsKnown(grant, version, former);

/** An entry of held credit; gives its grant, none if that is not there. */
export function holdEntry(replay: Replay, entry: WrittenEntry): Replayed | undefined {
  const own = replayedOf(replay, entry.grantId ?? '');
  if (own === undefined) {
    replay.lost = true;
    return undefined;
  }
  const { amount, bookedAt } = entry;
  const grant = held(own.grant, entry);
  // Its expiry is left aside.
  const isMove = doneBy(entry) !== 'ISSUED' && doneBy(entry) !== 'EXPIRED';
  own.grant = isMove ? { ...grant, moves: [...grant.moves, { at: bookedAt, delta: amount }] } : grant;
  return own;
}

/** An entry of the debt of advances, in a transaction that begins with another. */
export function oweEntry(
  { advances, covered }: Replay,
  { kind, version, position, amount, bookedAt, chargeId, reverses }: WrittenEntry,
  { currency, featureKeys }: SubAccount,
  first: EntryRef,
): void {
  if (kind === 'CONSUME') {
    const entry = { version, position };
    const owed = { currency, featureKey: featureKeys[0] ?? null, at: bookedAt, uncovered: -amount };
    advances.set(allocationKey(entry), { ...owed, chargeId: chargeId ?? '', entry });
    return;
  }
  // What a correction takes back of a covering leaves the advance as it is: covered, and owed no more.
  const of = kind === 'COVER' ? covered.get(allocationKey(first)) : reverses;
  const advance = advances.get(of ? allocationKey(of) : '');
  if (advance === undefined) return;
  advance.uncovered -= amount;
  if (advance.uncovered <= 0n) advances.delete(allocationKey(advance.entry));
}

/** More moves of a grant are put together than this. */
const MANY = 64;

/**
 * Keeps a grant's moves few: of those before an instant only what became untaken and when, which is all that a taking at
 * any instant is decided by. Nothing more may be given back before that instant.
 */
export function condense(replay: Replay, now: Instant, grantIds: Iterable<string>): void {
  for (const id of grantIds) {
    const own = replayedOf(replay, id);
    if (own === undefined || own.grant.moves.some(({ at }) => at >= now)) continue;
    const { grant } = own;
    if (grant.moves.length > MANY) {
      const steps = untakenSteps(grant, ALWAYS).filter(({ at }) => at !== ALWAYS);
      own.grant = { ...grant, moves: steps.map(({ at, amount }) => ({ at, delta: amount })) };
    }
    // Used up: a later taking finds nothing before something is given back.
    if (grant.bookedAt !== null && grant.remaining + grant.expired === 0n) {
      replay.grants.delete(id);
      replay.gone.delete(id);
    } else if (grant.expired > 0n && grant.expiresAt <= now) expire(replay, own);
  }
}

function expire(replay: Replay, own: Replayed): void {
  const { id, expiresAt } = own.grant;
  if (replay.gone.has(id)) return;
  replay.grants.delete(id);
  replay.gone.set(id, own);
  if (replay.byExpiry.length > 2 * replay.gone.size) {
    replay.byExpiry = replay.byExpiry.filter((one) => replay.gone.get(one.grant.id) === one);
  }
  const place = replay.byExpiry.findLastIndex(({ grant }) => grant.expiresAt <= expiresAt);
  replay.byExpiry.splice(place + 1, 0, own);
}

export const totalOf = (slices: readonly { readonly amount: Amount }[]): Amount =>
  sumAmounts(slices.map(({ amount }) => amount));

const COVERED = statement<EntryRef & { of_version: number; of_position: number }>(
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

/** Gets to know what the next versions name: grants, and which advance a covering is of, which the journal does not tell. */
export async function learn(
  replay: Replay,
  accounts: ReadonlyMap<number, SubAccount>,
  connection: Connection,
  { shard, id: bookId }: BookPlace,
  versions: readonly Written[],
): Promise<void> {
  if (replay.lost) return;
  const firsts = new Map<string, number>();
  const covers: WrittenEntry[] = [];
  for (const entry of versions.flatMap(({ entries }) => entries)) {
    const { grantId, version, subAccount, kind, chargeId } = entry;
    if (grantId === null || accounts.get(subAccount)?.type !== 'CUSTOMER_FBO') continue;
    if (replayedOf(replay, grantId) === undefined && !firsts.has(grantId)) firsts.set(grantId, version);
    if (kind === 'COVER' && chargeId !== null) covers.push(entry);
  }
  const [grants, former, covered] = await awaitAll([
    grantsOf(connection, { shard, bookId }, firsts.keys()),
    formerTermsOf(connection, { shard, bookId }, firsts.keys()),
    covers.length === 0
      ? Promise.resolve([])
      : connection.run(COVERED, [
          shard,
          bookId,
          covers.map(({ chargeId }) => uuidOf(chargeId!)),
          covers.map(({ version }) => version),
          covers.map(({ position }) => position),
        ]),
  ]);
  replay.covered = new Map(
    covered.map((row) => [allocationKey(row), { version: row.of_version, position: row.of_position }]),
  );
  for (const own of grants) {
    const { id } = own.grant;
    replay.grants.set(id, unheld(own, former.get(id) ?? [], firsts.get(id)!));
  }
}
