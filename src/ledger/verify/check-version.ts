import { formatInstant, later, type Instant } from '../../instant.ts';
import type { SubAccount } from '../account.ts';
import { GENESIS } from '../journal.ts';
import { checkTotals, noTotals, type Totals } from './check-totals.ts';
import {
  about,
  checkCopies,
  checkFuture,
  checkSums,
  hashAfter,
  named,
  type Whole,
} from './check-transaction.ts';
import { idsOf, type JournalFinding } from './finding.ts';
import type { Written, WrittenEntry } from './written.ts';

/**
 * A journal being checked, version by version from the first. What is kept does not grow with the journal: totals of
 * sub-accounts and of grants with something left, the last write, the last hash.
 */
export type JournalCheck = {
  readonly accounts: ReadonlyMap<number, SubAccount>;
  readonly totals: Totals;
  /** Sub-accounts that entries name and that are not there. */
  readonly missing: Set<number>;
  /** The last version that has a write. */
  written: number;
  /** The last version without one. */
  unwritten: number;
  recordedAt: Instant;
  /** The hashes the next transaction may build on: of the last as stored; where that is wrong also as it should be. */
  heads: readonly Buffer[];
};

export const openCheck = (accounts: ReadonlyMap<number, SubAccount>): JournalCheck => ({
  ...{ accounts, totals: noTotals(), missing: new Set() },
  ...{ written: 0, unwritten: 0, recordedAt: Number.NEGATIVE_INFINITY, heads: [GENESIS] },
});

/** What is wrong with the next version of a journal; after a break the check goes on from what is stored. */
export function checkVersion(check: JournalCheck, next: Written): JournalFinding[] {
  const { accounts, totals } = check;
  const { transactions, entries } = next;
  const byOrdinal = new Map(transactions.map((transaction) => [transaction.ordinal, transaction]));
  const entriesOf = Map.groupBy(entries, (entry) => entry.transaction);
  return [
    ...checkWrite(check, next),
    ...checkPlaces(entries, (entry) => byOrdinal.get(entry.transaction)),
    ...entries.flatMap((entry) => [
      ...checkTotals(totals, entry, byOrdinal.get(entry.transaction), accounts.get(entry.subAccount)),
      ...checkAccount(check, entry, byOrdinal.get(entry.transaction)),
    ]),
    ...[...entriesOf]
      .filter(([ordinal]) => !byOrdinal.has(ordinal))
      .map(([ordinal, orphans]) => orphaned(ordinal, orphans)),
    ...transactions.flatMap((transaction) => {
      const whole = { transaction, entries: entriesOf.get(transaction.ordinal) ?? [], accounts };
      return checkWhole(check, whole);
    }),
  ];
}

/** Versions have no gap and are recorded in order, each at one instant. */
function checkWrite(check: JournalCheck, { version, recordedAt, transactions }: Written): JournalFinding[] {
  if (recordedAt === null) {
    check.unwritten = version;
    return [];
  }
  const findings = version === check.written + 1 ? [] : [gap(check.written, version)];
  check.written = version;
  const other = transactions.find((transaction) => transaction.recordedAt !== recordedAt);
  if (other !== undefined) {
    const [expected, actual] = [formatInstant(recordedAt), formatInstant(other.recordedAt)];
    const message = `${named(other)} says it was recorded at ${actual}, its write at ${expected}`;
    findings.push({ ...about('RECORDED_AT', other), expected, actual, message });
  } else if (recordedAt < check.recordedAt) {
    const [before, actual] = [formatInstant(check.recordedAt), formatInstant(recordedAt)];
    const message = `version ${version} was recorded at ${actual}, a version preceding it at ${before}`;
    findings.push({ kind: 'RECORDED_AT', version, expected: `at least ${before}`, actual, message });
  }
  check.recordedAt = later(check.recordedAt, other?.recordedAt ?? recordedAt);
  return findings;
}

/** `next`: the version found after `last`, or that would come after all there should be. */
function gap(last: number, next: number): JournalFinding {
  const missing = next - last === 2 ? `version ${last + 1}` : `versions ${last + 1} to ${next - 1}`;
  const message = `the book has no write of ${missing}`;
  return { kind: 'VERSION_GAP', version: last + 1, expected: missing, actual: 'none', message };
}

/** Entries count through their write from 1: splits and corrections name them by their places. */
function checkPlaces(
  entries: readonly WrittenEntry[],
  transactionOf: (entry: WrittenEntry) => Whole['transaction'] | undefined,
): JournalFinding[] {
  return entries.flatMap((entry, i) => {
    const before = entries[i - 1];
    const should = (before?.position ?? 0) + 1;
    const inOrder = before === undefined || before.transaction <= entry.transaction;
    if (entry.position === should && inOrder) return [];
    const message = `entry ${entry.position} of version ${entry.version} should have place ${should}, in order of transaction`;
    return [
      {
        ...{ kind: 'ENTRY_COPY' as const, version: entry.version, ...idsOf(entry, transactionOf(entry)) },
        ...{ expected: `place ${should}`, actual: `place ${entry.position}`, message },
      },
    ];
  });
}

/** The first entry of each account that is missing. */
function checkAccount(
  { accounts, missing }: JournalCheck,
  entry: WrittenEntry,
  transaction: Whole['transaction'] | undefined,
): JournalFinding[] {
  if (accounts.has(entry.subAccount) || missing.has(entry.subAccount)) return [];
  missing.add(entry.subAccount);
  const message = `entry ${entry.position} of version ${entry.version} is booked to sub-account ${entry.subAccount}, which is not there`;
  return [
    {
      ...{ kind: 'DANGLING_ROW', version: entry.version, ...idsOf(entry, transaction) },
      ...{ expected: `sub-account ${entry.subAccount}`, actual: 'none', message },
    },
  ];
}

function orphaned(ordinal: number, orphans: readonly WrittenEntry[]): JournalFinding {
  const [first] = orphans;
  const { version } = first!;
  const message = `${orphans.length} entries of version ${version} name its transaction ${ordinal}, which is not there`;
  return {
    ...{ kind: 'DANGLING_ROW', version, ...idsOf(first!, undefined) },
    ...{ expected: `transaction ${ordinal}`, actual: 'none', message },
  };
}

function checkWhole(check: JournalCheck, whole: Whole): JournalFinding[] {
  const { transaction, entries } = whole;
  if (entries.length === 0) {
    check.heads = [transaction.hash];
    const message = `${named(transaction)} has no entries`;
    return [{ ...about('DANGLING_ROW', transaction), expected: 'entries', actual: 'none', message }];
  }
  return [...checkSums(whole), ...checkFuture(whole), ...checkCopies(whole), ...checkHash(check, whole)];
}

function checkHash(check: JournalCheck, whole: Whole): JournalFinding[] {
  const { transaction } = whole;
  const should = check.heads.map((before) => hashAfter(before, whole)).filter((hash) => hash !== null);
  const follows = should.length === 0 || should.some((hash) => hash.equals(transaction.hash));
  // Where the hash itself was changed, what comes after still builds on what it was.
  check.heads = follows ? [transaction.hash] : [transaction.hash, ...should];
  if (follows) return [];
  const [expected, actual] = [should[0]!.toString('hex'), transaction.hash.toString('hex')];
  const message = `${named(transaction)} was changed, or one before it is missing: its hash does not follow`;
  return [{ ...about('HASH_CHAIN', transaction), expected, actual, message }];
}

/** What is wrong at the end of a journal, by what the book says of it. */
export function checkEnd(
  check: JournalCheck,
  book: { readonly version: number; readonly headHash: Buffer },
): JournalFinding[] {
  const { version } = book;
  const findings: JournalFinding[] = [];
  if (check.written < version) findings.push(gap(check.written, version + 1));
  if (check.unwritten > later(check.written, version)) {
    const message = `there are transactions or entries of version ${check.unwritten}, which nobody wrote`;
    const at = { version: check.unwritten, expected: `write ${check.unwritten}`, actual: 'none' };
    findings.push({ kind: 'DANGLING_ROW', ...at, message });
  }
  if (!check.heads.some((hash) => hash.equals(book.headHash))) {
    const [expected, actual] = [check.heads[0]!.toString('hex'), book.headHash.toString('hex')];
    const message = `the journal does not end on the hash the book knows: its last transaction was changed or is missing`;
    findings.push({ kind: 'HASH_CHAIN', version, expected: actual, actual: expected, message });
  }
  return findings;
}
