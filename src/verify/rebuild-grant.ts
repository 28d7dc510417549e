import type { Amount } from '../amount.ts';
import { promiseOf, UNUSED, type Grant } from '../credit/grant.ts';
import type { AccountType } from '../ledger/account.ts';
import { POSTING_KINDS, type KindOfPosting } from '../ledger/posting.ts';
import type { StoredEntry } from '../ledger/store.ts';
import { samePromise } from '../pending/promise.ts';
import type { PromiseChange } from '../pending/scheduled-grants.ts';
import { withTermsAt, type FormerTerms } from '../tables/former-terms.ts';
import { stored, type StoredGrant } from '../tables/grants.ts';
import type { FoundRow } from './compare.ts';

/** A grant as it stands in its row, with what its standing is held against. */
export type FoundGrant = FoundRow<StoredGrant> & {
  /** Its terms before each change, oldest first. */
  readonly former: readonly FormerTerms[];
  /** The first write at or after its expiry, not before the one that set it; null: there was none yet. */
  readonly expiryVersion: number | null;
};

/** What an entry says of its grant. */
type GrantEntry = Pick<StoredEntry, 'version' | 'kind' | 'amount' | 'bookedAt'>;

/** What of a grant its entries tell. */
export type Held = Pick<Grant, keyof typeof UNUSED | 'phase' | 'bookedAt'>;

/** What a grant is before it is credit. */
const PROMISED: Held = { ...UNUSED, phase: 'SCHEDULED', bookedAt: null };

const KINDS: Readonly<Partial<Record<string, KindOfPosting>>> = POSTING_KINDS;

/** What an entry does to the credit a grant holds; of a kind that nobody knows what most do. */
export const doneBy = ({ kind, amount }: Pick<GrantEntry, 'kind' | 'amount'>): KindOfPosting['held'] =>
  kind === 'ADJUST' && amount > 0n ? 'ISSUED' : (KINDS[kind]?.held ?? 'TAKEN');

/** What a grant is after an entry of its held credit (CUSTOMER_FBO). */
export function held<Before extends Held>(before: Before, entry: Omit<GrantEntry, 'version'>): Before {
  const { kind, amount, bookedAt } = entry;
  const after = { ...before, remaining: before.remaining + amount };
  switch (doneBy(entry)) {
    case 'ISSUED':
      // One that had lapsed and was paid after all has not expired any more.
      return { ...after, phase: 'CREDIT', bookedAt, expired: 0n };
    case 'EXPIRED':
      return {
        ...after,
        phase: kind === 'EXPIRE' ? 'EXPIRED' : before.phase,
        expired: before.expired - amount,
      };
    case 'VOIDED':
      return { ...after, voidedAt: before.voidedAt ?? bookedAt, voided: before.voided - amount };
    case 'TAKEN':
    case null:
      return { ...after, consumed: before.consumed - amount };
  }
}

/** What became of a grant's promise. */
type Promising = Pick<PromiseChange, 'version' | 'before' | 'after'>;

export type RebuiltGrant = {
  readonly own: StoredGrant;
  /** Null: it never was credit. */
  readonly issued: Amount | null;
  readonly promises: readonly Promising[];
};

/** A grant being rebuilt from what happened to it, version by version; nothing is kept of its entries. */
export type GrantRebuild = {
  /** Its next entry, in order; of an account that is missing undefined. */
  book(entry: GrantEntry, account: AccountType | undefined): void;
  end(): RebuiltGrant;
};

/**
 * Rebuilds a grant from its entries, its terms and former terms, its expiry and, of one that never was credit, its void;
 * each version is taken to its row by what stores it.
 */
export function rebuildGrant({ fact, former, expiryVersion }: FoundGrant): GrantRebuild {
  const { grant, version, voidedVersion } = fact;
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
    const change = { version: at, before: promises.at(-1)?.after ?? null, after: promiseOf(after) };
    if (!samePromise(change.before, change.after)) promises.push(change);
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
    book(entry, account) {
      const { kind, amount } = entry;
      reach(entry.version);
      if (account === 'EARNINGS') now = { ...now, recognized: now.recognized + amount };
      else if (account === 'CUSTOMER_RECEIVABLE') now = { ...now, released: now.released || kind === 'VOID' };
      if (account !== 'CUSTOMER_FBO') return;
      if (doneBy(entry) === 'ISSUED') issued = (issued ?? 0n) + amount;
      now = held(now, entry);
    },
    end() {
      reach(Math.max(at, ...changes));
      write();
      return { own: own!, issued, promises };
    },
  };
}
