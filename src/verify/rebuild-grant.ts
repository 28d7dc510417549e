import type { Amount } from '../amount.ts';
import { promiseOf, type Grant } from '../credit/grant.ts';
import type { Instant } from '../instant.ts';
import type { AccountType } from '../ledger/account.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { samePromise, type CreditPromise } from '../pending/promise.ts';
import { withTermsAt } from '../tables/former-terms.ts';
import { stored, type StoredGrant } from '../tables/grants.ts';
import type { WrittenGrant } from './stored-grants.ts';

/** What an entry says of its grant. */
export type HeldEntry = {
  readonly version: number;
  /** Absent where its sub-account is missing. */
  readonly account: AccountType | undefined;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly bookedAt: Instant;
};

/** What of a grant its entries tell. */
export type Held = Pick<
  Grant,
  | 'phase'
  | 'bookedAt'
  | 'voidedAt'
  | 'released'
  | 'remaining'
  | 'consumed'
  | 'expired'
  | 'voided'
  | 'recognized'
>;

/** What a grant is before it is credit. */
const PROMISED: Held = {
  phase: 'SCHEDULED',
  bookedAt: null,
  voidedAt: null,
  released: false,
  remaining: 0n,
  consumed: 0n,
  expired: 0n,
  voided: 0n,
  recognized: 0n,
};

/** Whether an entry of held credit is what makes it credit. */
export const isIssue = ({ kind, amount }: Pick<HeldEntry, 'kind' | 'amount'>): boolean =>
  kind === 'ISSUE' || (kind === 'ADJUST' && amount > 0n);

/** What a grant is after an entry of its held credit (CUSTOMER_FBO). */
export function held<Before extends Held>(
  before: Before,
  { kind, amount, bookedAt }: Omit<HeldEntry, 'version' | 'account'>,
): Before {
  const remaining = before.remaining + amount;
  // One that had lapsed and was paid after all has not expired any more.
  if (isIssue({ kind, amount })) return { ...before, phase: 'CREDIT', bookedAt, remaining, expired: 0n };
  if (kind === 'EXPIRE') return { ...before, phase: 'EXPIRED', remaining, expired: before.expired - amount };
  if (kind === 'EXPIRE_UNDONE') return { ...before, remaining, expired: before.expired - amount };
  if (kind !== 'VOID') return { ...before, remaining, consumed: before.consumed - amount };
  return { ...before, voidedAt: before.voidedAt ?? bookedAt, remaining, voided: before.voided - amount };
}

/** What a grant's promise became with a version; null: there was none any more. */
export type Promising = { readonly version: number; readonly promise: CreditPromise | null };

export type RebuiltGrant = {
  readonly own: StoredGrant;
  /** Null: it never was credit. */
  readonly issued: Amount | null;
  readonly promises: readonly Promising[];
};

/** A grant being rebuilt from what happened to it, version by version; nothing is kept of its entries. */
export type GrantRebuild = {
  /** Its next entry, in order. */
  book(entry: HeldEntry): void;
  end(): RebuiltGrant;
};

/**
 * Rebuilds a grant from its entries, its terms and former terms, its expiry and, of one that never was credit, its void;
 * each version is taken to its row by what stores it.
 */
export function rebuildGrant({
  grant,
  former,
  version,
  voidedVersion,
  expiryVersion,
}: WrittenGrant): GrantRebuild {
  const changes = [version, ...former.map(({ untilVersion }) => untilVersion), voidedVersion, expiryVersion]
    .filter((change) => change !== null)
    .toSorted((a, b) => a - b);
  const promises: Promising[] = [];
  let own: StoredGrant | undefined;
  let now = PROMISED;
  let at = version;
  let issued: Amount | null = null;

  const waits = () => now.phase === 'SCHEDULED';
  /** Ends the version at hand. */
  function write(): void {
    if (waits() && at === voidedVersion) {
      now = { ...now, phase: 'CALLED_OFF', voidedAt: grant.voidedAt, voided: grant.amount };
    } else if (waits() && at === expiryVersion) now = { ...now, phase: 'LAPSED', expired: grant.amount };
    const after: Grant = { ...withTermsAt(grant, at, former), ...now };
    const promise = promiseOf(after);
    if (!samePromise(promises.at(-1)?.promise ?? null, promise)) promises.push({ version: at, promise });
    own = stored(own, after, at);
  }
  /** Goes on to a version, by way of those between that changed something beside the journal. */
  function reach(next: number): void {
    while (at < next) {
      write();
      at = Math.min(next, changes.find((change) => change > at) ?? next);
    }
  }

  return {
    book(entry) {
      reach(entry.version);
      if (entry.account === 'EARNINGS') now = { ...now, recognized: now.recognized + entry.amount };
      else if (entry.account === 'CUSTOMER_FBO') {
        if (isIssue(entry)) issued = (issued ?? 0n) + entry.amount;
        now = held(now, entry);
      } else if (entry.account === 'CUSTOMER_RECEIVABLE' && entry.kind === 'VOID')
        now = { ...now, released: true };
    },
    end() {
      reach(Math.max(at, ...changes));
      write();
      return { own: own!, issued, promises };
    },
  };
}
