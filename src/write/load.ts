import type { BookState } from '../credit/book-state.ts';
import { advanceKey, allocationKey, type Allocation } from '../credit/charge.ts';
import type { Grant } from '../credit/grant.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { eachOnce } from '../db/placement.ts';
import { byBook, type FoundFact } from '../db/table.ts';
import type { Instant } from '../instant.ts';
import { loadPosted, type OwnedPosted } from '../ledger/load-posted.ts';
import { movesSince, type GrantMove } from '../ledger/moves.ts';
import { loadAccrued, loadAllocations } from '../tables/allocations.ts';
import { bookKeyText } from '../tables/book-key.ts';
import type { BookRow } from '../tables/books.ts';
import { loadCharges, type StoredCharge } from '../tables/charges.ts';
import { formerTimesOf, loadFormerTerms, type FormerTerms } from '../tables/former-terms.ts';
import { loadGrants, loadReclaimable, type StoredGrant } from '../tables/grants.ts';
import type { BookCache } from '../book/book-cache.ts';
import { needsOf, type BatchNeeds } from './needs.ts';
import { writableBooks, type WritableBook } from '../book/open-book.ts';
import type { Remembered } from '../tables/remembered.ts';
import { openSession, type Session } from './session.ts';
import type { Submission } from './submission.ts';

export type LoadDeps = { readonly connection: Connection; readonly kept: BookCache };

/**
 * Opens a session on each of the books: with nothing to load where their open state is kept and commands need no more,
 * else with a constant number of statements in one round trip. A second one where a command needs what only the first
 * tells: the grants behind a charge's splits, the charges whose advances what falls due may cover, the history since an
 * instant.
 */
export async function loadSessions(
  { connection, kept }: LoadDeps,
  books: readonly BookRow[],
  submissions: readonly Submission[],
  remembered: ReadonlyMap<string, ReadonlyMap<string, Remembered>>,
): Promise<ReadonlyMap<string, Session>> {
  const needs = needsOf(books, submissions);
  const [open, grants, reclaimable, charges, splits, accrued, posted] = await settleAll([
    writableBooks(connection, kept, books),
    loadGrants(connection, needs.grants),
    loadReclaimable(connection, needs.late),
    loadCharges(connection, needs.charges),
    loadAllocations(connection, needs.splits),
    loadAccrued(connection, needs.accrued),
    loadPosted(connection, needs.transactions),
  ]);
  const named: Named = { grants: [...grants, ...reclaimable], charges, allocations: [...splits, ...accrued] };
  const factsOf = factsByBook({ ...(await loadBehind(connection, needs, named, open)), posted });
  const sinceOf = new Map(needs.late.map(({ bookId, since }) => [bookId, since]));
  const sessions = books.map((book) => {
    const text = bookKeyText(book.key);
    const since = sinceOf.get(book.id) ?? book.clock;
    const session = sessionOf(book, since, open.get(book.id)!, factsOf(book.id), remembered.get(text));
    return [text, session] as const;
  });
  return new Map(sessions);
}

/** What commands name, open or not. */
type Named = {
  readonly grants: readonly FoundFact<StoredGrant>[];
  readonly charges: readonly FoundFact<StoredCharge>[];
  readonly allocations: readonly FoundFact<Allocation>[];
};

/** What a batch needs besides what is open. */
type Facts = Named & {
  readonly posted: readonly OwnedPosted[];
  readonly moves: readonly GrantMove[];
  readonly formerTerms: ReadonlyMap<string, readonly FormerTerms[]>;
};

/** What can only be named once the first rows are there; sends nothing for the usual batch. */
async function loadBehind(
  connection: Connection,
  needs: BatchNeeds,
  named: Named,
  open: ReadonlyMap<string, WritableBook>,
): Promise<Omit<Facts, 'posted'>> {
  const places = new Map([...needs.splits, ...needs.accrued].map((place) => [place.bookId, place]));
  const behind = named.allocations.map(({ bookId, fact: { grantId, chargeId } }) => ({
    ...places.get(bookId)!,
    grantId,
    chargeId,
  }));
  // A grant that falls due, or that another of the batch makes, may cover them: value to be recognized with the rest.
  const coverable = needs.accrued.flatMap((book) =>
    open.get(book.bookId)!.advances.map(({ chargeId }) => ({ ...book, chargeId })),
  );
  const namedOf = byBook(named.grants);
  // Of closed grants those behind splits are not among them: nobody had left anything of them for a late booking.
  const late = eachOnce(
    needs.late.flatMap((book) =>
      [...open.get(book.bookId)!.grants, ...namedOf(book.bookId)].map(({ grant }) => ({
        ...book,
        grantId: grant.id,
      })),
    ),
    ({ grantId }) => grantId,
  );
  const [grants, charges, moves, formerTerms] = await settleAll([
    loadGrants(connection, behind),
    loadCharges(connection, needs.accrued.length === 0 ? [] : [...behind, ...coverable]),
    movesSince(connection, late),
    loadFormerTerms(connection, late),
  ]);
  return {
    ...named,
    grants: [...named.grants, ...grants],
    charges: [...named.charges, ...charges],
    moves,
    formerTerms,
  };
}

/** The same of one book. */
type BookFacts = Omit<Facts, keyof Named> & {
  readonly grants: readonly StoredGrant[];
  readonly charges: readonly StoredCharge[];
  readonly allocations: readonly Allocation[];
};

/** What was loaded of each book, by its id. */
function factsByBook(facts: Facts): (bookId: string) => BookFacts {
  const grants = byBook(facts.grants);
  const charges = byBook(facts.charges);
  const allocations = byBook(facts.allocations);
  const moves = Map.groupBy(facts.moves, (move) => move.bookId);
  const posted = Map.groupBy(facts.posted, (one) => one.bookId);
  return (bookId) => ({
    grants: grants(bookId),
    charges: charges(bookId),
    allocations: allocations(bookId),
    posted: posted.get(bookId) ?? [],
    moves: moves.get(bookId) ?? [],
    formerTerms: facts.formerTerms,
  });
}

function sessionOf(
  book: BookRow,
  historyFrom: Instant,
  open: WritableBook,
  facts: BookFacts,
  remembered: ReadonlyMap<string, Remembered> | undefined,
): Session {
  const grants = [...open.grants, ...facts.grants];
  const charges = [...open.charges, ...facts.charges];
  const known = {
    grants: new Map(grants.map((own) => [own.grant.id, own])),
    charges: new Map(charges.map((own) => [own.charge.id, own])),
  };
  return openSession({
    key: book.key,
    shard: book.shard,
    bookId: book.id,
    feedPosition: book.feedPosition,
    ...{ known, currencies: { ...book.currencies }, remembered: new Map(remembered) },
    head: { hash: book.headHash, subAccounts: open.subAccounts },
    state: {
      version: book.version,
      clock: book.clock,
      historyFrom,
      ...stateOf(known, open, facts),
    },
  });
}

function stateOf(
  { grants, charges }: Session['known'],
  { advances }: WritableBook,
  { allocations, posted, moves, formerTerms }: BookFacts,
): Omit<BookState, 'version' | 'clock' | 'historyFrom'> {
  const movesOf = Map.groupBy(moves, (move) => move.grantId);
  const withPast = (grant: Grant): Grant => ({
    ...grant,
    moves: movesOf.get(grant.id) ?? [],
    formerTimes: formerTimesOf(formerTerms.get(grant.id)),
  });
  const hasPast = movesOf.size > 0 || formerTerms.size > 0;
  return {
    grants: new Map([...grants].map(([id, { grant }]) => [id, hasPast ? withPast(grant) : grant])),
    charges: new Map([...charges].map(([id, { charge }]) => [id, charge])),
    advances: new Map(advances.map((advance) => [advanceKey(advance), advance])),
    allocations: new Map(allocations.map((slice) => [allocationKey(slice.ref), slice])),
    posted: new Map(posted.map((one) => [one.posted.id, one.posted])),
  };
}
