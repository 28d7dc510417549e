import { checkHash, checkHead, checkLink, noChain, type Chain, type Sealed } from './check-chain.ts';
import { checkTotals, noTotals, type Totals } from './check-totals.ts';
import { about, checkCopies, checkFuture, checkSums, named, type Whole } from './check-transaction.ts';
import { checkLast, checkWrite, noWrites, type Writes } from './check-writes.ts';
import { idsOf, type JournalFinding } from './journal-finding.ts';
import type { Written, WrittenAccount, WrittenEntry } from './written.ts';

/**
 * A journal being checked, version by version from the first. What is kept does not grow with the journal: totals of
 * sub-accounts and of grants with something left, the last write, the last hash.
 */
export type JournalCheck = {
  readonly accounts: ReadonlyMap<number, WrittenAccount>;
  /** Sub-accounts that entries name and that are not there. */
  readonly missing: Set<number>;
  readonly totals: Totals;
  readonly writes: Writes;
  readonly chain: Chain;
};

export const openCheck = (accounts: ReadonlyMap<number, WrittenAccount>): JournalCheck => ({
  ...{ accounts, missing: new Set() },
  ...{ totals: noTotals(), writes: noWrites(), chain: noChain() },
});

/**
 * What is wrong with the next version of a journal; after a break the check goes on from what is stored. `sealed`: what
 * the link of its write should be; null in the first format.
 */
export function checkVersion(check: JournalCheck, next: Written, sealed: Sealed | null): JournalFinding[] {
  const { accounts, totals, chain } = check;
  const { transactions, entries, write } = next;
  // The link of a version that is missing is missing, too.
  if (next.version !== check.writes.last + 1) chain.lost = true;
  const byOrdinal = new Map(transactions.map((transaction) => [transaction.ordinal, transaction]));
  const entriesOf = Map.groupBy(entries, (entry) => entry.transaction);
  return [
    ...checkWrite(check.writes, next),
    ...checkPlaces(entries, (entry) => byOrdinal.get(entry.transaction)),
    ...entries.flatMap((entry) => [
      ...checkTotals(totals, entry, byOrdinal.get(entry.transaction), accounts.get(entry.subAccount)),
      ...checkAccount(check, entry, byOrdinal.get(entry.transaction)),
    ]),
    ...[...entriesOf]
      .filter(([ordinal]) => !byOrdinal.has(ordinal))
      .map(([ordinal, orphans]) => orphaned(ordinal, orphans)),
    ...transactions.flatMap((transaction) => {
      const whole = { transaction, entries: entriesOf.get(transaction.ordinal) ?? [], accounts, write };
      return checkWhole(chain, whole);
    }),
    ...checkLink(chain, next, sealed),
  ];
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

function checkWhole(chain: Chain, whole: Whole): JournalFinding[] {
  const { transaction, entries } = whole;
  const chained = checkHash(chain, whole);
  if (entries.length > 0) {
    return [...checkSums(whole), ...checkFuture(whole), ...checkCopies(whole), ...chained];
  }
  const message = `${named(transaction)} has no entries`;
  return [{ ...about('DANGLING_ROW', transaction), expected: 'entries', actual: 'none', message }];
}

/** What is wrong at the end of a journal, by what the book says of it. */
export const checkEnd = (
  { writes, chain }: JournalCheck,
  book: { readonly version: number; readonly headHash: Buffer },
): JournalFinding[] => [
  ...checkLast(writes, book.version),
  ...(writes.last < book.version ? [] : checkHead(chain, book)),
];
