import { formatAmount, type Amount } from '../amount.ts';
import { spanClass } from '../db/span.ts';
import { idOf } from '../id.ts';
import { ALWAYS, formatInstant, later, type Instant } from '../instant.ts';
import { subjectOf, type JournalTransaction } from '../ledger/journal.ts';
import { checkHash, checkHead, checkLink, noChain, type Chain, type Sealed, type Whole } from './chain.ts';
import { differences, finding, placeOf, type Finding, type Place } from './finding.ts';
import type { Written, WrittenAccount, WrittenEntry } from './written.ts';

/** A sum as its entries give it, and how far what is stored has strayed from it. */
type Running = { sum: Amount; astray: Amount };

/**
 * A journal being checked, version by version from the first. What is kept does not grow with the journal: totals of
 * sub-accounts and of grants with something left, the last write, the last hash.
 */
export type JournalCheck = {
  readonly accounts: ReadonlyMap<number, WrittenAccount>;
  /** Sub-accounts that entries name and that are not there. */
  readonly missing: Set<number>;
  /** By the ordinal of a sub-account, and what remains by the id of a grant. */
  readonly totals: Map<number | string, Running>;
  readonly chain: Chain;
  /** The last version that has a write, and what that says. */
  last: number;
  recordedAt: Instant;
  feedPosition: number;
  /** The last version that has transactions or entries, but no write. */
  unwritten: number;
  /** From this version on nothing was written in the first format. */
  hashedSince: number;
};

export const openCheck = (accounts: ReadonlyMap<number, WrittenAccount>): JournalCheck => ({
  accounts,
  missing: new Set(),
  totals: new Map(),
  chain: noChain(),
  last: 0,
  recordedAt: ALWAYS,
  feedPosition: 0,
  unwritten: 0,
  hashedSince: 1,
});

/**
 * What is wrong with the next version of a journal; after a break the check goes on from what is stored. `sealed`: what
 * the link of its write should be; null in the first format.
 */
export function checkVersion(check: JournalCheck, next: Written, sealed: Sealed | null): Finding[] {
  const { accounts, chain } = check;
  const { transactions, entries, write } = next;
  // The link of a version that is missing is missing, too.
  if (next.version !== check.last + 1) chain.lost = true;
  const byOrdinal = new Map(transactions.map((transaction) => [transaction.ordinal, transaction]));
  const entriesOf = Map.groupBy(entries, (entry) => entry.transaction);
  return [
    ...checkWrite(check, next),
    ...entries.flatMap((entry, i) => {
      const transaction = byOrdinal.get(entry.transaction);
      return [
        ...checkCopy(entry, entries[i - 1], transaction),
        ...checkTotals(check, entry, transaction),
        ...checkAccount(check, entry, transaction),
      ];
    }),
    ...[...entriesOf].flatMap(([ordinal, own]) => (byOrdinal.has(ordinal) ? [] : [orphaned(ordinal, own)])),
    ...transactions.flatMap((transaction) => {
      const whole = { transaction, entries: entriesOf.get(transaction.ordinal) ?? [], accounts, write };
      return [...checkTransaction(whole), ...checkHash(chain, whole)];
    }),
    ...checkLink(chain, next, sealed),
  ];
}

/** What is wrong at the end of a journal, by what the book says of it. */
export function checkEnd(
  { last, unwritten, chain }: JournalCheck,
  book: { readonly version: number; readonly headHash: Buffer },
): Finding[] {
  const findings = last < book.version ? [gap(last, book.version + 1)] : checkHead(chain, book);
  if (unwritten <= Math.max(last, book.version)) return findings;
  const message = `there are transactions or entries of version ${unwritten}, which nobody wrote`;
  return [
    ...findings,
    finding('DANGLING_ROW', { version: unwritten }, `write ${unwritten}`, 'none', message),
  ];
}

/** Versions have no gap and are recorded in order, each at one instant. */
function checkWrite(check: JournalCheck, { version, write, transactions }: Written): Finding[] {
  if (write === null) {
    check.unwritten = version;
    return [];
  }
  const { recordedAt } = write;
  const findings = version === check.last + 1 ? [] : [gap(check.last, version)];
  check.last = version;
  check.feedPosition = write.feedPosition;
  if (write.format === 1) check.hashedSince = version + 1;
  const other = transactions.find((transaction) => transaction.recordedAt !== recordedAt);
  if (other !== undefined) {
    const [expected, actual] = [formatInstant(recordedAt), formatInstant(other.recordedAt)];
    const message = `${named(other)} says it was recorded at ${actual}, its write at ${expected}`;
    findings.push(finding('RECORDED_AT', placeOfTransaction(other), expected, actual, message));
  } else if (recordedAt < check.recordedAt) {
    const [before, actual] = [formatInstant(check.recordedAt), formatInstant(recordedAt)];
    const message = `version ${version} was recorded at ${actual}, a version preceding it at ${before}`;
    findings.push(finding('RECORDED_AT', { version }, `at least ${before}`, actual, message));
  }
  check.recordedAt = later(check.recordedAt, other?.recordedAt ?? recordedAt);
  return findings;
}

/** `next`: the version found after `last`, or that would come after all there should be. */
function gap(last: number, next: number): Finding {
  const missing = next - last === 2 ? `version ${last + 1}` : `versions ${last + 1} to ${next - 1}`;
  return finding(
    'VERSION_GAP',
    { version: last + 1 },
    missing,
    'none',
    `the book has no write of ${missing}`,
  );
}

/**
 * What an entry repeats of its transaction, so that questions need not join, and its place: entries count through their
 * write from 1, as splits and corrections name them by their places.
 */
function checkCopy(
  entry: WrittenEntry,
  before: WrittenEntry | undefined,
  transaction: JournalTransaction | undefined,
): Finding[] {
  const { version, position, transaction: ordinal, kind, bookedAt, lateClass } = entry;
  const expected = {
    position: (before?.position ?? 0) + 1,
    transaction: Math.max(before?.transaction ?? 0, ordinal),
    // One that lies in the future differs for that reason, and is told as that.
    ...(transaction !== undefined &&
      !isAheadOf(transaction, entry) && {
        kind: transaction.kind,
        booked_at: transaction.bookedAt,
        late_class: spanClass(transaction.bookedAt, transaction.recordedAt),
      }),
  };
  const actual = { position, transaction: ordinal, kind, booked_at: bookedAt, late_class: lateClass };
  const what = `entry ${position} of version ${version}`;
  return differences('ENTRY_COPY', placeOf(entry, transaction), what, expected, actual);
}

/** Whether an entry alone is booked ahead of its recording. */
const isAheadOf = ({ bookedAt, recordedAt }: JournalTransaction, entry: WrittenEntry): boolean =>
  entry.bookedAt > recordedAt && entry.bookedAt !== bookedAt;

/**
 * An entry's running total and what remained of its grant after it, against the sum of the entries up to it. A sum that
 * has strayed is told where it strays, not at every entry after.
 */
function checkTotals(
  { accounts, totals }: JournalCheck,
  entry: WrittenEntry,
  transaction: JournalTransaction | undefined,
): Finding[] {
  const { version, position, subAccount, grantId, amount, runningTotal, grantRemaining } = entry;
  const account = accounts.get(subAccount);
  const wrong: { what: string; expected: string; actual: string }[] = [];
  const compare = (what: string, key: number | string, stored: Amount | null) => {
    const running = totals.get(key) ?? { sum: 0n, astray: 0n };
    const before = running.astray;
    running.sum += amount;
    if (stored !== null) running.astray = stored - running.sum;
    if (stored === null || (running.astray !== 0n && running.astray !== before)) {
      wrong.push({ what, expected: formatAmount(running.sum), actual: amountOrNone(stored) });
    }
    // Of a grant that is used up there is nothing to go on from: no more is kept than there are with something left.
    if (key === grantId && running.sum === 0n && running.astray === 0n) totals.delete(key);
    else totals.set(key, running);
  };
  compare('running total', subAccount, runningTotal);
  if (account?.type === 'CUSTOMER_FBO' && grantId !== null) {
    compare('remainder of its grant', grantId, grantRemaining);
  } else if (account !== undefined && grantRemaining !== null) {
    wrong.push({ what: 'remainder of a grant', expected: 'none', actual: formatAmount(grantRemaining) });
  }
  if (wrong.length === 0) return [];
  const [expected, actual] = [wrong.map((one) => one.expected), wrong.map((one) => one.actual)];
  const told = wrong.map(
    (one) => `its ${one.what} is ${one.actual}, the entries up to it add up to ${one.expected}`,
  );
  const message = `entry ${position} of version ${version}: ${told.join('; ')}`;
  return [
    finding('RUNNING_TOTAL', placeOf(entry, transaction), expected.join(', '), actual.join(', '), message),
  ];
}

const amountOrNone = (amount: Amount | null): string => (amount === null ? 'none' : formatAmount(amount));

/** The first entry of each account that is missing. */
function checkAccount(
  { accounts, missing }: JournalCheck,
  entry: WrittenEntry,
  transaction: JournalTransaction | undefined,
): Finding[] {
  const { version, position, subAccount } = entry;
  if (accounts.has(subAccount) || missing.has(subAccount)) return [];
  missing.add(subAccount);
  const message = `entry ${position} of version ${version} is booked to sub-account ${subAccount}, which is not there`;
  return [finding('DANGLING_ROW', placeOf(entry, transaction), `sub-account ${subAccount}`, 'none', message)];
}

function orphaned(ordinal: number, [first, ...others]: readonly WrittenEntry[]): Finding {
  const message = `${others.length + 1} entries of version ${first!.version} name its transaction ${ordinal}, which is not there`;
  return finding('DANGLING_ROW', placeOf(first!, undefined), `transaction ${ordinal}`, 'none', message);
}

/** A transaction has entries, and they sum to zero, lie where it says, in no future, and name what it says it is about. */
function checkTransaction({ transaction, entries, accounts }: Whole): Finding[] {
  const at = placeOfTransaction(transaction);
  if (entries.length === 0) {
    return [finding('DANGLING_ROW', at, 'entries', 'none', `${named(transaction)} has no entries`)];
  }
  const { grantId, chargeId, firstPosition, subAccounts } = transaction;
  const expected = {
    grant_id: subjectOf(entries, 'grantId'),
    charge_id: subjectOf(entries, 'chargeId'),
    first_position: entries[0]!.position,
    sub_accounts: entries.map(({ subAccount }) => subAccount),
  };
  const actual = {
    grant_id: grantId,
    charge_id: chargeId,
    first_position: firstPosition,
    sub_accounts: subAccounts,
  };
  return [
    ...checkSums({ transaction, entries, accounts }),
    ...checkFuture({ transaction, entries }),
    ...differences('ENTRY_COPY', at, named(transaction), expected, actual),
  ];
}

/** Entries sum to zero in each currency. */
function checkSums({ transaction, entries, accounts }: Omit<Whole, 'write'>): Finding[] {
  const sums = new Map<string, Amount>();
  for (const { subAccount, amount } of entries) {
    const currency = accounts.get(subAccount)?.currency;
    // An account that is missing is told as that; nobody knows what was booked to it.
    if (currency === undefined) return [];
    sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  }
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .map(([currency, sum]) => {
      const message = `${named(transaction)} sums to ${formatAmount(sum)} in ${currency}`;
      const at = placeOfTransaction(transaction);
      return finding('UNBALANCED_TRANSACTION', at, '0', formatAmount(sum), message);
    });
}

/** Nothing is booked ahead of its recording: the transaction, and each entry by its own account. */
function checkFuture({ transaction, entries }: Pick<Whole, 'transaction' | 'entries'>): Finding[] {
  const ahead = (place: Place, bookedAt: Instant) => {
    const [latest, at] = [formatInstant(transaction.recordedAt), formatInstant(bookedAt)];
    const message = `${named(transaction)} is booked at ${at}, later than it was recorded (${latest})`;
    return finding('FUTURE_ENTRY', place, `at most ${latest}`, at, message);
  };
  if (transaction.bookedAt > transaction.recordedAt) {
    return [ahead(placeOfTransaction(transaction), transaction.bookedAt)];
  }
  return entries
    .filter((entry) => entry.bookedAt > transaction.recordedAt)
    .map((entry) => ahead(placeOf(entry, transaction), entry.bookedAt));
}

const placeOfTransaction = ({ uuid, version }: JournalTransaction): Place => ({
  version,
  transactionId: idOf('txn', uuid),
});

const named = ({ uuid, version }: JournalTransaction): string =>
  `transaction ${idOf('txn', uuid)} of version ${version}`;
