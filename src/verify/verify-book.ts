import { nextDueOf } from '../credit/grant.ts';
import type { Connection } from '../db/database.ts';
import { earlier, NEVER } from '../instant.ts';
import { checkAnswers } from './answers.ts';
import { checkBook, checkRegistered, type RegisteredBook } from './check-book.ts';
import { checkCharges } from './check-charges.ts';
import { checkGrants } from './check-grants.ts';
import { checkEnd, checkVersion, openCheck, type JournalCheck } from './check-journal.ts';
import { checkUsage, openUsage } from './check-usage.ts';
import { danglingEntries } from './dangling.ts';
import { sealedVersions } from './facts.ts';
import type { Finding } from './finding.ts';
import { staleLateSums } from './late-sums.ts';
import { learn } from './replay.ts';
import { accountsOf } from './written.ts';

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
  book: RegisteredBook,
): AsyncGenerator<Piece, void, undefined> {
  const currencies: Record<string, number> = {};
  const used = (currency: string, version: number) => {
    currencies[currency] = Math.min(version, currencies[currency] ?? version);
  };
  let nextEventAt = NEVER;

  const accounts = await accountsOf(connection, book);
  const journal = openCheck(accounts);
  yield found(checkRegistered(book));
  const missing = new Set<string>();
  yield* verifyJournal(connection, book, journal, missing);
  for await (const stale of staleLateSums(connection, book)) yield found(stale);
  for await (const { findings, rebuilt } of checkGrants(connection, book, accounts)) {
    for (const { grant, version } of rebuilt) {
      used(grant.currency, version);
      nextEventAt = earlier(nextEventAt, nextDueOf(grant));
    }
    yield found(findings);
  }
  for await (const { findings, charges } of checkCharges(connection, book, journal, missing)) {
    for (const { charge } of charges) used(charge.currency, charge.version);
    yield found(findings);
  }
  const { last: version, recordedAt: clock, feedPosition } = journal;
  yield found(checkBook(book, { version, clock, feedPosition, nextEventAt, currencies }));
}

/** The journal and what stands in it by the write: use, facts, answers. `missing` collects the subjects told as missing. */
async function* verifyJournal(
  connection: Connection,
  book: RegisteredBook,
  journal: JournalCheck,
  missing: Set<string>,
): AsyncGenerator<Piece, void, undefined> {
  const usage = openUsage(journal.accounts);
  for await (const page of sealedVersions(connection, book)) {
    const versions = page.map(({ version }) => version);
    await learn(usage.replay, journal.accounts, connection, book, versions);
    const findings = page.flatMap(({ version, sealed, asked }): Finding[] => {
      const broken = checkVersion(journal, version, sealed);
      return [...broken, ...checkUsage(usage, version, asked, broken.length === 0)];
    });
    yield {
      findings: [...findings, ...(await danglingEntries(connection, book, versions, missing))],
      transactions: versions.reduce((sum, { transactions }) => sum + transactions.length, 0),
      entries: versions.reduce((sum, { entries }) => sum + entries.length, 0),
    };
  }
  yield found(checkEnd(journal, book));
  yield found(await checkAnswers(connection, book, journal.hashedSince));
}

const found = (findings: readonly Finding[]): Piece => ({ findings, transactions: 0, entries: 0 });
