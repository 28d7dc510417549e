import { createHash } from 'node:crypto';
import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import { subAccountKey, type SubAccount } from './account.ts';
import type { Posting, PostingKind } from './posting.ts';

/** The end of a book's journal: all that is needed to append to it. */
export type JournalHead = {
  /** Of the last transaction; {@link GENESIS} before the first. */
  readonly hash: Buffer;
  /** Each sub-account by its key, with its running total in version order. */
  readonly subAccounts: ReadonlyMap<string, { readonly ordinal: number; readonly total: Amount }>;
};

export const GENESIS: Buffer = Buffer.alloc(32);
export const emptyJournal: JournalHead = { hash: GENESIS, subAccounts: new Map() };

export type JournalTransaction = {
  readonly version: number;
  /** Order within the write, from 1. */
  readonly ordinal: number;
  readonly kind: PostingKind;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
  readonly hash: Buffer;
};

export type JournalEntry = {
  readonly version: number;
  /** Order within the write across its transactions, from 1. */
  readonly position: number;
  readonly transaction: number;
  readonly subAccount: number;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly runningTotal: Amount;
  readonly grantId: string | null;
  /** What remains of the grant after this entry; null unless the entry is of CUSTOMER_FBO. */
  readonly grantRemaining: Amount | null;
  readonly chargeId: string | null;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
};

export type Appended = {
  readonly head: JournalHead;
  readonly opened: readonly (SubAccount & { readonly ordinal: number })[];
  readonly transactions: readonly JournalTransaction[];
  readonly entries: readonly JournalEntry[];
};

/**
 * Appends one write's postings to a journal: running totals in version order, a hash chain over the transactions, new
 * sub-accounts where a route is used for the first time. `remaining` says what each grant held before the write.
 */
export function append(
  head: JournalHead,
  postings: readonly Posting[],
  write: { readonly version: number; readonly recordedAt: Instant },
  remaining: (grantId: string) => Amount,
): Appended {
  const subAccounts = new Map(head.subAccounts);
  const held = new Map<string, Amount>();
  const opened: (SubAccount & { ordinal: number })[] = [];
  const transactions: JournalTransaction[] = [];
  const entries: JournalEntry[] = [];
  let hash = head.hash;

  for (const [index, { kind, bookedAt, legs }] of postings.entries()) {
    const ordinal = index + 1;
    hash = chain(hash, { ...write, ordinal, kind, bookedAt, legs });
    transactions.push({ ...write, ordinal, kind, bookedAt, hash });
    for (const { account, amount, grantId, chargeId } of legs) {
      const key = subAccountKey(account);
      const known = subAccounts.get(key) ?? { ordinal: subAccounts.size + 1, total: 0n };
      if (!subAccounts.has(key)) opened.push({ ...account, ordinal: known.ordinal });
      const runningTotal = known.total + amount;
      subAccounts.set(key, { ordinal: known.ordinal, total: runningTotal });
      let grantRemaining: Amount | null = null;
      if (account.type === 'CUSTOMER_FBO' && grantId !== null) {
        grantRemaining = (held.get(grantId) ?? remaining(grantId)) + amount;
        held.set(grantId, grantRemaining);
      }
      const position = entries.length + 1;
      const about = { grantId, grantRemaining, chargeId, bookedAt, recordedAt: write.recordedAt };
      const subAccount = known.ordinal;
      entries.push({
        version: write.version,
        position,
        transaction: ordinal,
        subAccount,
        kind,
        amount,
        runningTotal,
        ...about,
      });
    }
  }
  return { head: { hash, subAccounts }, opened, transactions, entries };
}

/** The hash of a transaction: SHA-256 over the hash before it and its own content in one fixed form. */
export function chain(
  before: Buffer,
  content: Posting & { readonly version: number; readonly ordinal: number; readonly recordedAt: Instant },
): Buffer {
  const { version, ordinal, recordedAt, kind, bookedAt, legs } = content;
  const sides = legs.map((leg) => [
    subAccountKey(leg.account),
    leg.amount.toString(),
    leg.grantId,
    leg.chargeId,
  ]);
  return createHash('sha256')
    .update(before)
    .update(JSON.stringify([version, ordinal, recordedAt, kind, bookedAt, sides]))
    .digest();
}
