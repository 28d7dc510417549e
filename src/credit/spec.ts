import { formatInstant, type Instant } from '../instant.ts';
import { refuse, refuseFields } from '../refusal.ts';
import type { Work } from './book-state.ts';
import type { Bounds } from './bounds.ts';
import type { CauseKind } from './cause.ts';
import type { Charge } from './charge.ts';
import type { Grant } from './grant.ts';

/** All that has to be said of a command, in the file of its name (commands/); what is left out is a type error. */
export type CommandSpec<C> = {
  /** The RPC that asks for it: what its write is called where it is recorded. */
  readonly method: string;
  /** What a watcher is told as the reason of a change; null where it moves no figure. */
  readonly cause: WriteCause;
  readonly needs: (command: C) => Needs;
  /** What it makes that may stay open, of which there may be so many (bounds.ts); absent where it makes no such thing. */
  readonly opens?: keyof Bounds;
  /** The currencies it may bring to a book that does not hold them. */
  readonly brings: (command: C) => readonly NamedCurrency[];
  /**
   * Carries it out on a state in which all that is due has been booked. What the caller learns; `currency` of the credit
   * that was concerned, null where none was. Throws a RefusalError when it is refused.
   */
  readonly decide: (
    work: Work,
    command: C,
    now: Instant,
    leeway: number,
  ) => { readonly currency: string | null };
};

/** One cause, or another one where the write called a grant off or forfeited it. */
export type WriteCause = CauseKind | null | { readonly usual: CauseKind; readonly voiding: CauseKind };

/** What a command needs known that is not open, or may not be. What it makes itself is not there to be loaded. */
export type Needs = {
  readonly grants?: readonly string[];
  readonly charges?: readonly string[];
  /** Those of its charges whose allocations it needs. */
  readonly allocationsOf?: readonly string[];
  readonly transactions?: readonly string[];
  /** All that is accrued in the book. */
  readonly accrued?: true;
  /** What happened to grants since this instant, where it lies before the clock of the book. */
  readonly historySince?: Instant | null;
};

export type NamedCurrency = { readonly code: string; readonly field: string };

export const nothing = (): Needs => ({});
export const itsGrant = ({ grantId }: { readonly grantId: string }): Needs => ({ grants: [grantId] });
export const itsCharge = ({ chargeId }: { readonly chargeId: string }): Needs => ({ charges: [chargeId] });

export const noCurrency = (): readonly NamedCurrency[] => [];
export const itsCurrency = ({ currency }: { readonly currency: string }): readonly NamedCurrency[] => [
  { code: currency, field: 'currency' },
];

export const grantAnswer = (grant: Grant) => ({ currency: grant.currency, grant });
export const chargeAnswer = (charge: Charge) => ({ currency: charge.currency, charge });

export function namedGrant(work: Work, id: string): Grant {
  return work.grants.get(id) ?? refuse('GRANT_NOT_FOUND', `this customer has no grant ${id}`, { id });
}

export function namedCharge(work: Work, id: string): Charge {
  return work.charges.get(id) ?? refuse('CHARGE_NOT_FOUND', `this customer has no charge ${id}`, { id });
}

export function openCharge(work: Work, id: string): Charge {
  const charge = namedCharge(work, id);
  const state = charge.status;
  return state === 'OPEN' ? charge : refuse('CHARGE_NOT_OPEN', `charge ${id} is ${state}`, { id, state });
}

/**
 * When something happened that a command tells of: now, where it names no instant. Callers' clocks differ, so up to
 * `leeway` milliseconds ahead of now mean now (domain.md §14); what lies further ahead is refused, never waited for.
 */
export function happenedAt(
  told: Instant | null,
  now: Instant,
  leeway: number,
  field: 'booked_at' | 'occurred_at' = 'booked_at',
): Instant {
  if (told === null || told <= now) return told ?? now;
  if (told <= now + leeway) return now;
  const message = `must not lie in the future (now is ${formatInstant(now)})`;
  return refuseFields([{ field, rule: `${field}.not_in_future`, message }]);
}
