import { formatAmount, type Amount } from '../amount.ts';
import type { AskedCharge } from './facts.ts';
import { ALWAYS, later, type Instant } from '../instant.ts';
import { isSettled, type SubAccount } from '../ledger/account.ts';
import type { Written } from './written.ts';
import { allocationKey, type Slices } from '../credit/charge.ts';
import { burnOrderAt } from '../credit/burn-order.ts';
import { planFrom } from '../credit/collect.ts';
import { isCompatible } from '../credit/cover.ts';
import type { Grant } from '../credit/grant.ts';
import { untakenSteps } from '../credit/take.ts';
import type { JournalTransaction } from '../ledger/journal.ts';
import { finding, type Finding } from './finding.ts';
import {
  asKnownAt,
  condense,
  creditSince,
  emptyReplay,
  holdEntry,
  oweEntry,
  totalOf,
  type Replay,
  type Replayed,
  type ReplayedAdvance,
} from './replay.ts';

/**
 * Whether the credit of a book was used as the law says, version by version, by what was known then: consumptions took
 * what they could in burn order (domain.md §6), and no advance stands beside idle credit that it could use (§7). Only as
 * far as nothing else is wrong with the journal: behind a break nobody knows what was there. What is kept does not grow
 * with the journal: grants of which something is untaken (what expired with them), and open advances.
 */
export type UsageCheck = {
  readonly replay: Replay;
  readonly accounts: ReadonlyMap<number, SubAccount>;
  /** Grants touched since they were last condensed. */
  readonly touched: Set<string>;
  /** Advances told already. */
  readonly told: Set<string>;
  recordedAt: Instant;
};

export const openUsage = (accounts: ReadonlyMap<number, SubAccount>): UsageCheck => ({
  replay: emptyReplay(),
  accounts,
  touched: new Set(),
  told: new Set(),
  recordedAt: ALWAYS,
});

/**
 * What the next version did that the law would not have done. `asked`: what the journal does not tell as it was handed
 * back for invoicing. `isSound`: nothing else is wrong with it.
 */
export function checkUsage(
  check: UsageCheck,
  next: Written,
  asked: readonly AskedCharge[],
  isSound: boolean,
): readonly Finding[] {
  const { replay, accounts, touched } = check;
  if (!isSound || next.recordedAt === null) replay.lost = true;
  if (replay.lost) return [];
  if (next.recordedAt! > check.recordedAt) {
    condense(replay, next.recordedAt!, touched);
    touched.clear();
    check.recordedAt = next.recordedAt!;
  }
  const findings: Finding[] = [];
  const freed = new Set<Replayed>();
  const made = new Set<string>();
  const collected = new Set<string>();
  const entriesOf = Map.groupBy(next.entries, (entry) => entry.transaction);
  for (const { ordinal, kind, bookedAt } of next.transactions) {
    const entries = entriesOf.get(ordinal) ?? [];
    findings.push(...checkTaking(check, next, asked, { kind, bookedAt, entries }));
    if (kind === 'CONSUME') collected.add(entries[0]?.chargeId ?? '');
    for (const entry of entries) {
      const account = accounts.get(entry.subAccount)!;
      if (account.type === 'CUSTOMER_FBO' && entry.grantId !== null) {
        const own = holdEntry(replay, entry);
        touched.add(entry.grantId);
        if (entry.amount > 0n && own !== undefined) freed.add(own);
      } else if (isSettled(account)) {
        oweEntry(replay, entry, account, entries[0]!);
        if (kind === 'CONSUME') made.add(allocationKey(entry));
      }
    }
    if (replay.lost) return findings;
  }
  for (const { amount, ...one } of asked) {
    if (!collected.has(one.chargeId)) {
      findings.push(...differing(check, next, { ...one, taken: [], asked: amount }));
    }
  }
  return [...findings, ...checkIdle(check, next, freed, made)];
}

/** A consumption, or an adjustment down, against what the law would have taken before it. */
function checkTaking(
  check: UsageCheck,
  next: Written,
  told: readonly AskedCharge[],
  { kind, bookedAt, entries }: Pick<JournalTransaction, 'kind' | 'bookedAt'> & Pick<Written, 'entries'>,
): Finding[] {
  if (kind !== 'CONSUME' && kind !== 'ADJUST') return [];
  const { accounts } = check;
  const of = (type: SubAccount['type']) =>
    entries.filter((entry) => accounts.get(entry.subAccount)?.type === type);
  const taken = of('CUSTOMER_FBO').map(({ grantId, amount }) => ({
    grantId: grantId ?? '',
    amount: -amount,
  }));
  if (kind === 'ADJUST' && taken.some(({ amount }) => amount < 0n)) return [];
  const [first] = kind === 'CONSUME' ? of('CUSTOMER_ACCRUED') : of('CUSTOMER_FBO');
  if (first === undefined) return [];
  const { currency, featureKeys } = accounts.get(first.subAccount)!;
  const { chargeId } = first;
  const advanced = -totalOf(of('CUSTOMER_RECEIVABLE'));
  const asked = told.find((one) => one.chargeId === chargeId)?.amount ?? totalOf(taken) + advanced;
  const about = { chargeId, currency, at: bookedAt, taken, asked };
  if (kind === 'CONSUME') return differing(check, next, { ...about, featureKey: featureKeys[0] ?? null });
  // The journal does not tell for which feature an adjustment took: for one that there is credit for, or for none.
  const keys = new Set([...creditSince(check.replay, bookedAt)].flatMap(({ grant }) => grant.featureKeys));
  const findings = [null, ...keys].map((featureKey) => differing(check, next, { ...about, featureKey }));
  return findings.some((found) => found.length === 0) ? [] : findings[0]!;
}

type Taking = {
  readonly chargeId: string | null;
  readonly currency: string;
  readonly featureKey: string | null;
  readonly at: Instant;
  readonly taken: Slices;
  /** What there was to be taken, had there been enough. */
  readonly asked: Amount;
};

function differing({ replay }: UsageCheck, { version, recordedAt }: Written, taking: Taking): Finding[] {
  const { at, taken, asked, chargeId } = taking;
  const credit = [...creditSince(replay, at)].map((own) => asKnownAt(own, version - 1));
  const lawful = planFrom(credit.toSorted(burnOrderAt(at)), taking, asked, at);
  const expected = shown(lawful.map(({ grant, amount }) => ({ grantId: grant.id, amount })));
  const actual = shown(taken);
  if (expected === actual) return [];
  const what = chargeId === null ? 'an adjustment' : `charge ${chargeId}`;
  const late = at === recordedAt ? '' : ', told late';
  const message = `${what} took ${actual} at version ${version}${late}; by what was known then it takes ${expected}`;
  const place = { version, ...(chargeId !== null && { chargeId }) };
  return [finding('WRONG_SPLIT', place, expected, actual, message)];
}

const shown = (slices: Slices): string =>
  slices.length === 0
    ? 'nothing'
    : slices.map(({ grantId, amount }) => `${formatAmount(amount)} of ${grantId}`).join(', ');

/** Advances beside credit that lies idle: of those made by this version beside all, of others beside what it freed. */
function checkIdle(
  { replay, told: known }: UsageCheck,
  { version }: Written,
  freed: ReadonlySet<Replayed>,
  made: ReadonlySet<string>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [key, advance] of replay.advances) {
    if (known.has(key)) continue;
    const beside = made.has(key) ? creditSince(replay, advance.at) : freed;
    for (const own of beside) {
      const idle = idleFor(asKnownAt(own, version), advance);
      if (idle === 0n) continue;
      known.add(key);
      findings.push(standing(advance, own.grant.id, idle, version));
      break;
    }
  }
  return findings;
}

/** What of a grant has been untaken since some instant at which it could have covered the advance. */
function idleFor(grant: Grant, advance: ReplayedAdvance): Amount {
  if (grant.bookedAt === null || !isCompatible(grant, advance)) return 0n;
  const steps = untakenSteps(grant, later(grant.bookedAt, advance.at));
  return totalOf(steps.filter(({ at }) => at < grant.expiresAt));
}

function standing(
  { chargeId, uncovered }: ReplayedAdvance,
  grantId: string,
  idle: Amount,
  version: number,
): Finding {
  const [owed, there] = [formatAmount(uncovered), formatAmount(idle)];
  const message = `charge ${chargeId} owes ${owed} that nothing covers at version ${version}, while ${there} of ${grantId} lies idle`;
  const actual = `${owed} uncovered beside ${there}`;
  return finding(
    'IDLE_CREDIT',
    { version, chargeId, grantId },
    'an advance that is covered',
    actual,
    message,
  );
}
