import { createHash } from 'node:crypto';
import { idOf } from '../id.ts';
import { subAccountKey } from '../ledger/account.ts';
import {
  FORMAT,
  GENESIS,
  transactionLink,
  type HashedEntry,
  type HashedTransaction,
} from '../ledger/hash.ts';
import type { StoredWrite } from '../ledger/writes.ts';
import type { JournalTransaction } from '../ledger/journal.ts';
import { finding, type Finding } from './finding.ts';
import type { Written, WrittenAccount, WrittenEntry } from './written.ts';

/** The hash chain of a book up to some link. */
export type Chain = {
  /** What the next link may build on: the last as stored; where that is wrong also as it should be. */
  heads: readonly Buffer[];
  /** A write is missing, which is told as that: nobody knows its link. */
  lost: boolean;
};

export const noChain = (): Chain => ({ heads: [GENESIS], lost: false });

/** What the link of a write should be by its rows, and what those are about. */
export type Sealed = {
  linkAfter(before: Buffer): Buffer;
  readonly about: { readonly grantId?: string; readonly chargeId?: string };
};

/** A transaction with its entries in order of position, the accounts they are booked to, and its write. */
export type Whole = {
  readonly transaction: JournalTransaction;
  readonly entries: readonly WrittenEntry[];
  readonly accounts: ReadonlyMap<number, WrittenAccount>;
  readonly write: StoredWrite | null;
};

/** What a stored link should be, null if that is what it is: after a break the chain goes on from what is stored. */
function follow(chain: Chain, stored: Buffer, linkAfter: (before: Buffer) => Buffer | null): Buffer | null {
  const should = chain.heads.map(linkAfter).filter((hash) => hash !== null);
  const follows = should.length === 0 || chain.lost || should.some((hash) => hash.equals(stored));
  // Where the hash itself was changed, what comes after still builds on what it was.
  chain.heads = follows ? [stored] : [stored, should[0]!];
  chain.lost = false;
  return follows ? null : should[0]!;
}

/** The hash of a transaction, in the format of its write. */
export function checkHash(chain: Chain, whole: Whole): Finding[] {
  const { uuid, version, hash } = whole.transaction;
  // Without its entries nobody knows what it should be.
  const should = follow(chain, hash, (before) =>
    whole.entries.length === 0 ? null : hashAfter(before, whole),
  );
  if (should === null) return [];
  const transactionId = idOf('txn', uuid);
  const message = `transaction ${transactionId} of version ${version} was changed, or one before it is missing: its hash does not follow`;
  return [finding('HASH_CHAIN', { version, transactionId }, hex(should), hex(hash), message)];
}

/**
 * The hash a transaction should have after `before`; null where nobody knows, as an account that it was made of is
 * missing, or its write.
 */
export function hashAfter(before: Buffer, { transaction, entries, accounts, write }: Whole): Buffer | null {
  const legs = [];
  for (const entry of entries) {
    const account = accounts.get(entry.subAccount);
    if (account === undefined) return null;
    legs.push({ ...entry, accountKey: subAccountKey(account), accountUuid: account.uuid });
  }
  if (write === null) return null;
  return write.salt === null
    ? firstFormat(before, transaction, legs)
    : transactionLink(before, write.salt, transaction, legs);
}

/**
 * The first format of the hash chain: links of transactions alone, over their own content, reasons in clear. Nothing is
 * written in it any more; what was is verified by it.
 */
function firstFormat(
  before: Buffer,
  { version, ordinal, recordedAt, kind, bookedAt, reason }: HashedTransaction,
  entries: readonly HashedEntry[],
): Buffer {
  const sides = entries.map(({ accountKey, amount, grantId, chargeId, reverses }) => [
    accountKey,
    amount.toString(),
    grantId,
    chargeId,
    // As it was written: in this order.
    reverses === null ? null : { version: reverses.version, position: reverses.position },
  ]);
  return createHash('sha256')
    .update(before)
    .update(JSON.stringify([version, ordinal, recordedAt, kind, bookedAt, sides, reason]))
    .digest();
}

/** The hash of a write, after those of its transactions: over its facts. Not in the first format. */
export function checkLink(chain: Chain, { version, write }: Written, sealed: Sealed | null): Finding[] {
  if (write === null) {
    chain.lost = true;
    return [];
  }
  const { format, hash, method } = write;
  if (format === 1) return [];
  if (format !== FORMAT || hash === null || sealed === null) {
    chain.lost = true;
    const message = `the hash of version ${version} (${method}) is of format ${format}, which is not known`;
    return [finding('HASH_CHAIN', { version }, `format ${FORMAT}`, `format ${format}`, message)];
  }
  const should = follow(chain, hash, sealed.linkAfter);
  if (should === null) return [];
  const message = `what version ${version} (${method}) recorded was changed, or something before it is missing: its hash does not follow`;
  return [finding('HASH_CHAIN', { version, ...sealed.about }, hex(should), hex(hash), message)];
}

/** The book ends on the last link. */
export function checkHead(
  { heads, lost }: Chain,
  { version, headHash }: { readonly version: number; readonly headHash: Buffer },
): Finding[] {
  if (lost || heads.some((hash) => hash.equals(headHash))) return [];
  const message = `the journal does not end on the hash its book knows: what was written last was changed or is missing`;
  return [finding('HASH_CHAIN', { version }, hex(headHash), hex(heads[0]!), message)];
}

const hex = (hash: Buffer): string => hash.toString('hex');
