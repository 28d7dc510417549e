import type { Amount } from '../amount.ts';
import type { Instant } from '../instant.ts';
import type { Scope } from '../scope.ts';
import type { Cause } from './cause.ts';
import { weighsAt, type Charge } from './charge.ts';
import type { AskedBalance, BalancePart } from './figures.ts';
import type { Grant } from './grant.ts';
import { totalWeight, weights } from './live.ts';

/** How balances move: figures are carried from instant to instant by what changed, instead of being asked for at each. */

/** Something that may change a figure at an instant, in a currency and scope asked about. */
export type Change = { readonly at: Instant; readonly cause: Cause | null } & (
  | {
      readonly what: 'settled';
      readonly currency: string;
      readonly amount: Amount;
      /** The grant that holds so much more or less; null: an advance does. */
      readonly holder: string | null;
    }
  | { readonly what: 'pending'; readonly currency: string; readonly amount: Amount }
  | { readonly what: 'opened'; readonly charge: Charge }
  | { readonly what: 'total' | 'collected'; readonly chargeId: string; readonly amount: Amount }
  | { readonly what: 'closed'; readonly chargeId: string }
  /** Nothing but time: an open charge begins or ceases to weigh. */
  | { readonly what: 'weight'; readonly chargeId: string }
  /** A grant takes another place in the burn order. */
  | { readonly what: 'order'; readonly grantId: string }
);

export type Point = {
  readonly at: Instant;
  readonly balances: readonly AskedBalance[];
  readonly causes: readonly Cause[];
};

/** A grant whose remainder moves with the sweep: a copy of its own, because a window may change it a million times. */
export type Holder = Omit<Grant, 'remaining'> & { remaining: Amount };

/** What the figures are made of at the instant a sweep has come to. Changed in place by it, and by nothing else. */
export type Running = {
  readonly scope: Scope;
  readonly parts: ReadonlySet<BalancePart>;
  readonly settled: Map<string, Amount>;
  readonly pending: Map<string, Amount>;
  /** In scope; those with something remaining, and every one that a change names as holder. Empty unless live is asked. */
  readonly grants: Map<string, Holder>;
  /** The open ones in scope, as they stand. */
  readonly charges: Map<string, Charge>;
  /** The last point's. */
  balances: readonly AskedBalance[];
};

/** In order of time; within an instant places in the burn order come last, when it is clear which credit there is. */
export const inOrder = (a: Change, b: Change): number =>
  a.at - b.at || Number(a.what === 'order') - Number(b.what === 'order');

/**
 * Goes through changes in their order and tells every instant at which a figure asked for becomes another. All
 * changes of an instant have to be there.
 */
export function* sweep(running: Running, changes: readonly Change[]): Generator<Point> {
  for (let i = 0; i < changes.length;) {
    const { at } = changes[i]!;
    const causes: Cause[] = [];
    const touched = new Set<string>();
    for (; i < changes.length && changes[i]!.at === at; i += 1) {
      const change = changes[i]!;
      const currency = apply(running, change);
      if (currency === null) continue;
      touched.add(currency);
      if (change.cause !== null) causes.push(change.cause);
    }
    const balances = running.balances.map((before) =>
      touched.has(before.currency) ? changed(before, figuresOf(running, before.currency, at)) : before,
    );
    if (balances.every((figures, n) => figures === running.balances[n])) continue;
    running.balances = balances;
    yield { at, balances, causes };
  }
}

/** Takes a change in; answers the currency whose figures may be others now, null if none. */
function apply(running: Running, change: Change): string | null {
  switch (change.what) {
    case 'settled': {
      add(running.settled, change.currency, change.amount);
      const grant = change.holder === null ? undefined : running.grants.get(change.holder);
      if (grant !== undefined) grant.remaining += change.amount;
      return change.currency;
    }
    case 'pending':
      add(running.pending, change.currency, change.amount);
      return change.currency;
    case 'opened':
      running.charges.set(change.charge.id, change.charge);
      return change.charge.currency;
    case 'total':
      return replace(running, change.chargeId, () => ({ amount: change.amount }));
    case 'collected':
      return replace(running, change.chargeId, ({ collected }) => ({ collected: collected + change.amount }));
    case 'closed': {
      const charge = running.charges.get(change.chargeId);
      running.charges.delete(change.chargeId);
      return charge?.currency ?? null;
    }
    case 'weight':
      return running.charges.get(change.chargeId)?.currency ?? null;
    case 'order': {
      // Which credit a charge takes shows only where charges are open and there is credit to take.
      const grant = running.grants.get(change.grantId);
      return running.charges.size === 0 || grant === undefined || grant.remaining === 0n
        ? null
        : grant.currency;
    }
  }
}

function replace(running: Running, chargeId: string, by: (charge: Charge) => Partial<Charge>): string | null {
  const charge = running.charges.get(chargeId);
  if (charge === undefined) return null;
  running.charges.set(chargeId, { ...charge, ...by(charge) });
  return charge.currency;
}

const add = (sums: Map<string, Amount>, currency: string, amount: Amount): unknown =>
  sums.set(currency, (sums.get(currency) ?? 0n) + amount);

function figuresOf(running: Running, currency: string, at: Instant): AskedBalance {
  const { parts, pending } = running;
  const settled = running.settled.get(currency) ?? 0n;
  const figures: { -readonly [Part in keyof AskedBalance]: AskedBalance[Part] } = { currency };
  if (parts.has('settled')) figures.settled = settled;
  if (parts.has('live')) figures.live = settled - weightOf(running, currency, at);
  if (parts.has('pending')) figures.pending = pending.get(currency) ?? 0n;
  return figures;
}

function weightOf({ scope, grants, charges }: Running, currency: string, at: Instant): Amount {
  if (charges.size === 0) return 0n;
  const open = [...charges.values()].filter((charge) => charge.currency === currency && weighsAt(charge, at));
  return open.length === 0 ? 0n : totalWeight(weights([...grants.values()], open, { currency, scope, at }));
}

/** The object of before where every figure is the same, so that sameness is a look at one reference. */
const changed = (before: AskedBalance, after: AskedBalance): AskedBalance =>
  before.settled === after.settled && before.live === after.live && before.pending === after.pending
    ? before
    : after;
