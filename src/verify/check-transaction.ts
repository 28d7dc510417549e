import { formatAmount, type Amount } from '../amount.ts';
import { spanClass } from '../db/span.ts';
import { idOf } from '../id.ts';
import { formatInstant } from '../instant.ts';
import { transactionLink } from '../ledger/hash.ts';
import { subjectOf } from '../ledger/journal.ts';
import { idsOf, type JournalFinding } from './journal-finding.ts';
import { firstFormat } from './first-format.ts';
import type { WrittenAccount, WrittenEntry, WrittenTransaction, WrittenWrite } from './written.ts';

/** A transaction with its entries in order of position, and the accounts they are booked to. */
export type Whole = {
  readonly transaction: WrittenTransaction;
  readonly entries: readonly WrittenEntry[];
  readonly accounts: ReadonlyMap<number, WrittenAccount>;
  /** Its write: says how its hash is made. */
  readonly write: WrittenWrite | null;
};

/** Entries sum to zero in each currency. */
export function checkSums({ transaction, entries, accounts }: Whole): JournalFinding[] {
  const sums = new Map<string, Amount>();
  for (const { subAccount, amount } of entries) {
    const currency = accounts.get(subAccount)?.currency;
    // An account that is missing is told as that; nobody knows what was booked to it.
    if (currency === undefined) return [];
    sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  }
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .map(([currency, sum]) => ({
      ...about('UNBALANCED_TRANSACTION', transaction),
      ...{ expected: '0', actual: formatAmount(sum) },
      message: `${named(transaction)} sums to ${formatAmount(sum)} in ${currency}`,
    }));
}

/** Nothing is booked ahead of its recording: the transaction, and each entry by its own account. */
export function checkFuture({ transaction, entries }: Whole): JournalFinding[] {
  const { bookedAt, recordedAt } = transaction;
  const ahead = (at: number) => ({
    ...{ expected: `at most ${formatInstant(recordedAt)}`, actual: formatInstant(at) },
    message: `${named(transaction)} is booked at ${formatInstant(at)}, later than it was recorded (${formatInstant(recordedAt)})`,
  });
  if (bookedAt > recordedAt) return [{ ...about('FUTURE_ENTRY', transaction), ...ahead(bookedAt) }];
  return entries
    .filter((entry) => entry.bookedAt > recordedAt)
    .map((entry) => ({
      ...about('FUTURE_ENTRY', transaction),
      ...idsOf(entry, transaction),
      ...ahead(entry.bookedAt),
    }));
}

/** What entries repeat of their transaction, and a transaction of its entries, so that questions need not join. */
export function checkCopies(whole: Whole): JournalFinding[] {
  const { transaction, entries } = whole;
  const { kind, bookedAt, recordedAt } = transaction;
  const lateClass = spanClass(bookedAt, recordedAt);
  const findings = entries
    .filter(
      (entry) =>
        // One that lies in the future differs for that reason, and is told as that.
        (entry.bookedAt <= recordedAt || entry.bookedAt === bookedAt) &&
        !(entry.kind === kind && entry.bookedAt === bookedAt && entry.lateClass === lateClass),
    )
    .map((entry): JournalFinding => {
      const [expected, actual] = [shown({ kind, bookedAt, lateClass }), shown(entry)];
      const message = `entry ${entry.position} of ${named(transaction)} says ${actual}, its transaction ${expected}`;
      return { ...about('ENTRY_COPY', transaction), ...idsOf(entry, transaction), expected, actual, message };
    });
  return [...findings, ...checkSubject(whole)];
}

function checkSubject({ transaction, entries }: Whole): JournalFinding[] {
  const [grantId, chargeId] = [subjectOf(entries, 'grantId'), subjectOf(entries, 'chargeId')];
  if (grantId === transaction.grantId && chargeId === transaction.chargeId) return [];
  const [expected, actual] = [`${grantId}, ${chargeId}`, `${transaction.grantId}, ${transaction.chargeId}`];
  const message = `${named(transaction)} says it is about ${actual} (grant, charge), its entries ${expected}`;
  return [{ ...about('ENTRY_COPY', transaction), expected, actual, message }];
}

const shown = ({
  kind,
  bookedAt,
  lateClass,
}: Pick<WrittenEntry, 'kind' | 'bookedAt' | 'lateClass'>): string =>
  `${kind} at ${formatInstant(bookedAt)}, ${lateClass === null ? 'told at once' : `told late (class ${lateClass})`}`;

/**
 * The hash a transaction should have after `before`; null where nobody knows, as an account that it was made of is
 * missing, or its write.
 */
export function hashAfter(before: Buffer, { transaction, entries, accounts, write }: Whole): Buffer | null {
  const legs = [];
  for (const entry of entries) {
    const account = accounts.get(entry.subAccount);
    if (account === undefined) return null;
    legs.push({ ...entry, account, accountUuid: account.uuid });
  }
  if (write === null) return null;
  return write.salt === null
    ? firstFormat(before, transaction, legs)
    : transactionLink(before, write.salt, transaction, legs);
}

export const about = <Kind extends JournalFinding['kind']>(kind: Kind, transaction: WrittenTransaction) => ({
  kind,
  version: transaction.version,
  transactionId: idOf('txn', transaction.uuid),
});

export const named = ({ uuid, version }: WrittenTransaction): string =>
  `transaction ${idOf('txn', uuid)} of version ${version}`;
