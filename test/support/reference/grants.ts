import type { Amount } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import {
  sumOf,
  type AdvanceFact,
  type Facts,
  type GrantFact,
  type SettlementFact,
  type Take,
  type TimesFact,
} from './facts.ts';

type Times = Pick<TimesFact, 'effectiveAt' | 'expiresAt'>;

/** The times of a grant in force at an instant; before it was recorded, those it was created with. */
function timesAt(facts: Facts, grantId: string, at: Instant): Times {
  const inForce = facts.times.findLast((times) => times.grantId === grantId && times.from <= at);
  return inForce ?? facts.times.find((times) => times.grantId === grantId)!;
}

/** Its times as they are known last: a reschedule only ever moves what still lies ahead of it. */
export const timesOf = (facts: Facts, grantId: string): Times => timesAt(facts, grantId, Infinity);

export const voidedAt = (facts: Facts, grantId: string): Instant =>
  facts.voids.find((fact) => fact.grantId === grantId)?.at ?? Infinity;

/** When its funding met the availability policy: −∞ if at creation, +∞ while it waits. */
function fundedAt(facts: Facts, grant: GrantFact): Instant {
  if (grant.metAtCreation) return -Infinity;
  const meeting = facts.settlements.filter(
    (event) => event.grantId === grant.id && meets(grant, event.status),
  );
  return Math.min(Infinity, ...meeting.map((event) => event.at));
}

/** The table of availability policies (domain.md §3); a later event implies the earlier ones. */
export function meets(
  { method, policy }: Pick<GrantFact, 'method' | 'policy'>,
  status: SettlementFact['status'] | null,
): boolean {
  const settled = status === 'SETTLED';
  const authorized = settled || status === 'AUTHORIZED';
  const issued = authorized || status === 'ISSUED';
  if (policy === 'ON_SETTLEMENT') return settled;
  if (policy === 'ON_AUTHORIZATION') return authorized;
  return method === 'INVOICE' ? issued : true;
}

/** When a grant is issued, as far as known; +∞ if it never will be: not funded, or called off before. */
export function issueOf(facts: Facts, grant: GrantFact): Instant {
  const calledOff = facts.voids.some((fact) => fact.grantId === grant.id && !fact.wasCredit);
  return calledOff ? Infinity : Math.max(timesOf(facts, grant.id).effectiveAt, fundedAt(facts, grant));
}

/** When a grant becomes credit; +∞ also for one that is paid only after its own expiry: issued, and gone at once. */
export function bookingOf(facts: Facts, grant: GrantFact): Instant {
  const issue = issueOf(facts, grant);
  return issue < timesOf(facts, grant.id).expiresAt ? issue : Infinity;
}

/** What was taken from a grant up to an instant, for one of the given reasons, less what came back. */
export const takenBy = (facts: Facts, grantId: string, at: Instant, ...why: readonly Take['why'][]): Amount =>
  sumOf(facts.takes.filter((take) => take.grantId === grantId && take.at <= at && why.includes(take.why)));

/** What nobody had consumed or forfeited of a grant at one instant, its expiry left aside. */
function untaken(facts: Facts, grant: GrantFact, at: Instant): Amount {
  let rest = grant.amount;
  for (const take of facts.takes) if (take.grantId === grant.id && take.at <= at) rest -= take.amount;
  return rest;
}

/** The least of that at any instant from `from` to now: it can only change where something was taken or came back. */
export function leastUntaken(facts: Facts, grant: GrantFact, from: Instant): Amount {
  let least = untaken(facts, grant, from);
  for (const take of facts.takes) {
    if (take.grantId !== grant.id || take.at <= from) continue;
    const then = untaken(facts, grant, take.at);
    if (then < least) least = then;
  }
  return least;
}

/** The grants that are credit at an instant and not expired at it, in the burn order of that instant (domain.md §6). */
export const creditAt = (
  facts: Facts,
  at: Instant,
  among: readonly GrantFact[] = facts.grants,
): readonly GrantFact[] =>
  among
    .filter((grant) => bookingOf(facts, grant) <= at && at < timesOf(facts, grant.id).expiresAt)
    .map((grant) => ({ grant, ...timesAt(facts, grant.id, at) }))
    .toSorted(inBurnOrder)
    .map(({ grant }) => grant);

type Burning = { readonly grant: GrantFact } & Times;

function inBurnOrder(a: Burning, b: Burning): number {
  if (a.grant.priority !== b.grant.priority) return a.grant.priority - b.grant.priority;
  const [restrictedA, restrictedB] = [a.grant.featureKeys.length > 0, b.grant.featureKeys.length > 0];
  if (restrictedA !== restrictedB) return restrictedA ? -1 : 1;
  if (a.expiresAt !== b.expiresAt) return a.expiresAt < b.expiresAt ? -1 : 1;
  if (a.effectiveAt !== b.effectiveAt) return a.effectiveAt < b.effectiveAt ? -1 : 1;
  return a.grant.id < b.grant.id ? -1 : 1;
}

/** What of an advance is still owed at an instant: no grant has covered it, no correction taken it back. */
export function uncovered(facts: Facts, { chargeId, collection, amount }: AdvanceFact, at: Instant): Amount {
  const own = (fact: { chargeId: string | null; collection: number; at: Instant }): boolean =>
    fact.chargeId === chargeId && fact.collection === collection && fact.at <= at;
  const covers = facts.takes.filter((take) => take.why === 'COVER' && own(take));
  return amount - sumOf(covers) - sumOf(facts.reductions.filter(own));
}
