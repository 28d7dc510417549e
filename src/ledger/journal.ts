import type { Amount } from '../amount.ts';
import type { UuidMaker } from '../id.ts';
import type { Instant } from '../instant.ts';
import { PersistentMap } from '../persistent-map.ts';
import { subAccountKey, type SubAccount } from './account.ts';
import { GENESIS, transactionLink, type Salt } from './hash.ts';
import type { Leg, Posting, PostingKind } from './posting.ts';
import { uuidAt } from './transaction-id.ts';

/** A sub-account as far as appending needs it. `uuid`: the 32 hex digits of its id. */
export type SubAccountHead = { readonly uuid: string; readonly ordinal: number; readonly total: Amount };

/** The end of a book's journal: all that is needed to append to it. */
export type JournalHead = {
  /** The last link of the hash chain; {@link GENESIS} before the first. */
  readonly hash: Buffer;
  /** Each sub-account by its key, with its running total in version order. */
  readonly subAccounts: PersistentMap<SubAccountHead>;
};

export const emptyJournal: JournalHead = { hash: GENESIS, subAccounts: PersistentMap.of() };

export type JournalTransaction = {
  /** The 32 hex digits of its id. */
  readonly uuid: string;
  readonly version: number;
  /** Order within the write, from 1. */
  readonly ordinal: number;
  readonly kind: PostingKind;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
  /** What all its entries are about; null where they differ or are about none. */
  readonly grantId: string | null;
  readonly chargeId: string | null;
  /** Of an adjustment or a manual posting; null otherwise. */
  readonly reason: string | null;
  /** Where its entries lie: the position of the first, which the others follow, and the sub-account of each. */
  readonly firstPosition: number;
  readonly subAccounts: readonly number[];
  readonly hash: Buffer;
};

export type JournalEntry = {
  readonly version: number;
  /** Order within the write across its transactions, from 1. */
  readonly position: number;
  readonly transaction: number;
  readonly subAccount: number;
  readonly account: SubAccount;
  readonly accountKey: string;
  readonly accountUuid: string;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly runningTotal: Amount;
  readonly grantId: string | null;
  /** What remains of the grant after this entry; null unless the entry is of CUSTOMER_FBO. */
  readonly grantRemaining: Amount | null;
  readonly chargeId: string | null;
  /** The entry this one takes back, wholly or in part. */
  readonly reverses: { readonly version: number; readonly position: number } | null;
  readonly bookedAt: Instant;
  readonly recordedAt: Instant;
};

export type Appended = {
  readonly head: JournalHead;
  readonly opened: readonly (SubAccount & Pick<SubAccountHead, 'uuid' | 'ordinal'>)[];
  readonly transactions: readonly JournalTransaction[];
  readonly entries: readonly JournalEntry[];
};

/** A journal as one write appends to it. */
type Growing = {
  subAccounts: JournalHead['subAccounts'];
  /** What each grant holds that the write has concerned so far. */
  readonly held: Map<string, Amount>;
  readonly opened: Appended['opened'][number][];
  readonly entries: JournalEntry[];
};

/** The write that appends: of which book, and as what it is recorded. */
type Writing = {
  readonly bookId: number;
  readonly version: number;
  readonly recordedAt: Instant;
  readonly salt: Salt;
};

/**
 * Appends one write's postings to a journal: running totals in version order, a link of the hash chain for each
 * transaction, new sub-accounts where a route is used for the first time. `remaining` says what each grant held before
 * the write.
 */
export function append(
  head: JournalHead,
  postings: readonly Posting[],
  { bookId, version, recordedAt, salt }: Writing,
  remaining: (grantId: string) => Amount,
  uuids: UuidMaker,
): Appended {
  const growing: Growing = { subAccounts: head.subAccounts, held: new Map(), opened: [], entries: [] };
  const transactions: JournalTransaction[] = [];
  let { hash } = head;
  for (const [index, { kind, bookedAt, legs, reason = null }] of postings.entries()) {
    const ordinal = index + 1;
    const firstPosition = growing.entries.length + 1;
    const said = { version, ordinal, recordedAt, kind, bookedAt };
    const entries = legs.map((leg) => enter(growing, leg, said, remaining, uuids));
    const transaction = {
      uuid: uuidAt({ bookId, version, ordinal }),
      version,
      ordinal,
      kind,
      bookedAt,
      recordedAt,
      grantId: subjectOf(legs, 'grantId'),
      chargeId: subjectOf(legs, 'chargeId'),
      reason,
      firstPosition,
      subAccounts: entries.map(({ subAccount }) => subAccount),
    };
    hash = transactionLink(hash, salt, transaction, entries);
    transactions.push({ ...transaction, hash });
  }
  const { subAccounts, opened, entries } = growing;
  return { head: { hash, subAccounts }, opened, transactions, entries };
}

/** Enters a leg of a transaction. */
function enter(
  growing: Growing,
  leg: Leg,
  {
    version,
    ordinal,
    recordedAt,
    kind,
    bookedAt,
  }: Pick<JournalTransaction, 'version' | 'ordinal' | 'recordedAt' | 'kind' | 'bookedAt'>,
  remaining: (grantId: string) => Amount,
  uuids: UuidMaker,
): JournalEntry {
  const { subAccounts, held, opened, entries } = growing;
  const { account, amount, grantId, chargeId, reverses = null } = leg;
  const accountKey = subAccountKey(account);
  const before = subAccounts.get(accountKey);
  const known = before ?? { uuid: uuids(), ordinal: subAccounts.size + 1, total: 0n };
  const { uuid: accountUuid, ordinal: subAccount } = known;
  if (before === undefined) opened.push({ ...account, uuid: accountUuid, ordinal: subAccount });
  const runningTotal = known.total + amount;
  growing.subAccounts = subAccounts.with(accountKey, {
    uuid: accountUuid,
    ordinal: subAccount,
    total: runningTotal,
  });
  let grantRemaining: Amount | null = null;
  if (account.type === 'CUSTOMER_FBO' && grantId !== null) {
    grantRemaining = (held.get(grantId) ?? remaining(grantId)) + amount;
    held.set(grantId, grantRemaining);
  }
  const entry = {
    version,
    position: entries.length + 1,
    transaction: ordinal,
    subAccount,
    account,
    accountKey,
    accountUuid,
    kind,
    amount,
    runningTotal,
    grantId,
    grantRemaining,
    chargeId,
    reverses,
    bookedAt,
    recordedAt,
  };
  entries.push(entry);
  return entry;
}

/** The one grant or charge that all legs name; null where they name several or none. */
export function subjectOf(
  legs: readonly Pick<Leg, 'grantId' | 'chargeId'>[],
  of: 'grantId' | 'chargeId',
): string | null {
  const first = legs[0]?.[of] ?? null;
  return legs.every((leg) => leg[of] === first) ? first : null;
}
