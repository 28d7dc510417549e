import { loadOpenGrants, readGrant } from '../tables/grant-rows.ts';
import type { WrittenBook } from './stored-books.ts';
import { writtenCharges, type ChargesPage } from './stored-charges.ts';
import { missingSubjects, writtenGrants } from './stored-grants.ts';
import { settleAll, type Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { checkEnd, checkVersion, openCheck, type JournalCheck } from './check-version.ts';
import { entriesOfCharges } from './charged.ts';
import { heldByGrants } from './held.ts';
import { staleLateSums } from './late-sums.ts';
import { accountsOf } from './read-written.ts';
import type { Written, WrittenEntry } from './written.ts';
import { writtenPromises } from '../pending/written-promises.ts';
import { nextDue } from '../credit/advance-to.ts';
import { checkAnswers } from './check-answers.ts';
import { checkBook } from './check-book.ts';
import { checkCharge } from './check-charge.ts';
import { checkGrant } from './check-grant.ts';
import { checkRegistered } from './check-register.ts';
import { checkPromises } from './check-promises.ts';
import { checkUsage, learnUsage, openUsage } from './check-usage.ts';
import { factsOf } from './charge-facts.ts';
import type { Finding } from './finding.ts';
import { sealedVersions } from './sealed.ts';

/** What verifying a book comes to, piece by piece: what is wrong in it, and how much of its journal was read. */
export type Piece = {
  readonly findings: readonly Finding[];
  readonly transactions: number;
  readonly entries: number;
};

/**
 * Verifies one book as the connection's snapshot sees it: its journal from the first version to the last, then its
 * grants, charges and row against it. Memory does not grow with the journal: a page, the book's sub-accounts, the grants
 * with something left, and what check-usage.ts keeps; of charges a page with all that happened to each.
 */
export async function* verifyBook(
  connection: Connection,
  book: WrittenBook,
): AsyncGenerator<Piece, void, undefined> {
  const currencies = new Map<string, number>();
  const used = ({ currency }: { currency: string }, version: number) =>
    currencies.set(currency, Math.min(version, currencies.get(currency) ?? version));

  const journal = openCheck(await accountsOf(connection, book));
  const missing = new Set<string>();
  yield found(checkRegistered(book));
  yield* verifyJournal(connection, book, journal, missing);
  for await (const stale of staleLateSums(connection, book)) yield found(stale);

  for await (const { grants, from, until } of writtenGrants(connection, book)) {
    const ids = grants.map(({ grant }) => grant.id);
    const [held, promises] = await settleAll([
      heldByGrants(connection, book, ids),
      writtenPromises(connection, book, { from, until }),
    ]);
    for (const own of grants) used(own.grant, own.version);
    yield found([
      ...grants.flatMap((own) => checkGrant(own, held.get(own.grant.id) ?? null, book)),
      ...checkPromises(book, grants, promises),
    ]);
  }
  for await (const page of writtenCharges(connection, book)) {
    const entries = await entriesOfCharges(
      connection,
      book,
      page.charges.map(({ charge }) => charge.id),
    );
    for (const { charge } of page.charges) used(charge, charge.version);
    yield found([
      ...page.charges.flatMap((own) =>
        checkCharge(
          factsOf(own, page, entries.get(own.charge.id) ?? []),
          book.version,
          journal.writes.hashedSince,
        ),
      ),
      ...ofNobody(page, book.version, missing),
    ]);
  }
  const facts = {
    lastVersion: journal.writes.last,
    lastRecordedAt: journal.writes.recordedAt,
    currencies,
    feedPosition: journal.writes.feedPosition,
  };
  yield found(checkBook(book, { ...facts, nextEventAt: await nextDueOf(connection, book) }));
}

/** The journal and what stands in it by the write: use, facts, answers. `missing` collects the subjects told as missing. */
async function* verifyJournal(
  connection: Connection,
  book: WrittenBook,
  journal: JournalCheck,
  missing: Set<string>,
): AsyncGenerator<Piece, void, undefined> {
  const usage = await openUsage(connection, book, journal.accounts);
  let answers = 0;
  for await (const page of sealedVersions(connection, book)) {
    const versions = page.map(({ version }) => version);
    await learnUsage(usage, connection, book, versions);
    const findings = page.flatMap(({ version, sealed }): Finding[] => {
      const broken = checkVersion(journal, version, sealed);
      return [...broken, ...checkUsage(usage, version, broken.length === 0)];
    });
    answers += page.filter(({ answered }) => answered).length;
    yield {
      ...counted(versions),
      findings: [...findings, ...(await dangling(connection, book, versions, missing))],
    };
  }
  yield found(checkEnd(journal, book));
  yield found(await checkAnswers(connection, book, journal.writes.hashedSince === 1 ? answers : null));
}

const found = (findings: readonly Finding[]): Piece => ({ findings, transactions: 0, entries: 0 });

const counted = (versions: readonly Written[]): Omit<Piece, 'findings'> => ({
  transactions: versions.reduce((sum, { transactions }) => sum + transactions.length, 0),
  entries: versions.reduce((sum, { entries }) => sum + entries.length, 0),
});

/** Entries that name a grant or charge the book does not have: the first of each. `known` collects those told already. */
async function dangling(
  connection: Connection,
  book: WrittenBook,
  versions: readonly Written[],
  known: Set<string>,
): Promise<Finding[]> {
  const firsts = new Map<string, WrittenEntry>();
  for (const { entries } of versions) {
    for (const entry of entries) {
      for (const id of [entry.grantId, entry.chargeId]) {
        if (id !== null && !firsts.has(id)) firsts.set(id, entry);
      }
    }
  }
  const named = [...firsts.keys()].filter((id) => !known.has(id));
  const grants = named.filter((id) => id.startsWith('grt_'));
  const charges = named.filter((id) => id.startsWith('chg_'));
  const missing = await missingSubjects(connection, book, grants, charges);
  return [...missing].map((id): Finding => {
    known.add(id);
    const { version, position } = firsts.get(id)!;
    const about = id.startsWith('grt_') ? { grantId: id } : { chargeId: id };
    const message = `entry ${position} of version ${version} is about ${id}, which the book does not have`;
    return { kind: 'DANGLING_ROW', ...about, version, expected: id, actual: 'none', message };
  });
}

/** Splits, advances and events of charges the book does not have, but those told already. */
function ofNobody(page: ChargesPage, version: number, told: ReadonlySet<string>): Finding[] {
  const known = new Set([...told, ...page.charges.map(({ charge }) => charge.id)]);
  const { allocations, advances, events, reductions } = page;
  const named = new Set([allocations, advances, events, reductions].flatMap((rows) => [...rows.keys()]));
  return [...named]
    .filter((chargeId) => !known.has(chargeId))
    .map((chargeId) => {
      const message = `splits, advances or events are of charge ${chargeId}, which the book does not have`;
      return { kind: 'DANGLING_ROW', chargeId, version, expected: chargeId, actual: 'none', message };
    });
}

async function nextDueOf(connection: Connection, { shard, id: bookId }: WrittenBook): Promise<Instant> {
  const grants = await loadOpenGrants(connection, [{ shard, bookId }]);
  return nextDue({ grants: new Map(grants.map((row) => [row.id, readGrant(row).grant])) });
}
