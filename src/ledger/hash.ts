import { hash } from 'node:crypto';
import type { Amount } from '../amount.ts';
import { pooledRandom } from '../id.ts';
import type { Instant } from '../instant.ts';

/**
 * The hash chain of a book: each link is SHA-256 over the link before it and some content in one fixed form. A write
 * adds a link for each of its transactions, in order, and then one for itself over the facts it recorded. What may have
 * to be forgotten one day (names, descriptions, labels, reasons, answers) is in it as a salted digest: forgotten, it
 * leaves its digest and takes its salt along, and the chain holds.
 */

/** The format that is written. What was written in the first is verified by it: verify/first-format.ts. */
export const FORMAT = 2;

/** The end of a chain without links. */
export const GENESIS: Buffer = Buffer.alloc(32);

/** Random, one for each write. */
export type Salt = Buffer;

const random = pooledRandom();
const SALT_BYTES = 16;
export const randomSalt = (): Salt => random(SALT_BYTES);

/** The link after `before` over content that JSON can say; `what` keeps contents of one form and two meanings apart. */
export const linkAfter = (before: Buffer, what: string, content: readonly unknown[]): Buffer =>
  hash('sha256', JSON.stringify([FORMAT, what, before.toString('base64'), ...content]), 'buffer');

/** What stands in a link for texts that may be forgotten; `of` names what they are of. */
export const digestOf = (salt: Salt, of: string, texts: readonly unknown[]): string =>
  hash('sha256', JSON.stringify([FORMAT, salt.toString('base64'), of, ...texts]), 'base64');

/** An instant as a link says it: JSON has no infinities. */
export const instantText = (instant: Instant | null): Instant | string | null =>
  instant === null || Number.isFinite(instant) ? instant : String(instant);

/** What of a transaction and of its entries is in its link; what they repeat of each other is not. */
export type HashedTransaction = {
  readonly uuid: string;
  readonly version: number;
  readonly ordinal: number;
  readonly recordedAt: Instant;
  readonly kind: string;
  readonly bookedAt: Instant;
  readonly reason: string | null;
};
export type HashedEntry = {
  readonly subAccount: number;
  /** Of its sub-account, `subAccountKey`. */
  readonly accountKey: string;
  readonly accountUuid: string;
  readonly amount: Amount;
  readonly grantId: string | null;
  readonly chargeId: string | null;
  readonly reverses: { readonly version: number; readonly position: number } | null;
};

/** The link of a transaction with its entries in order. */
export function transactionLink(
  before: Buffer,
  salt: Salt,
  transaction: HashedTransaction,
  entries: readonly HashedEntry[],
): Buffer {
  const { uuid, version, ordinal, recordedAt, kind, bookedAt, reason } = transaction;
  return linkAfter(before, 'transaction', [
    plain(uuid),
    version,
    ordinal,
    recordedAt,
    kind,
    bookedAt,
    reason === null ? null : digestOf(salt, `reason ${ordinal}`, [reason]),
    entries.map(({ subAccount, accountKey, accountUuid, amount, grantId, chargeId, reverses }) => [
      subAccount,
      plain(accountUuid),
      accountKey,
      amount.toString(),
      grantId,
      chargeId,
      reverses,
    ]),
  ]);
}

/** A uuid as made here or as Postgres prints it, in one form. */
const plain = (uuid: string): string => uuid.replaceAll('-', '');
