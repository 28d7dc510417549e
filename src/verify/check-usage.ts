import { formatAmount, type Amount } from '../amount.ts';
import { formerTermsOf } from '../tables/former-terms.ts';
import { grantsOf } from '../tables/grants.ts';
import { advancesCovered, collectionsHandedBack, type HandedBack } from './usage.ts';
import { settleAll, type Connection } from '../db/database.ts';
import { ALWAYS, later, type Instant } from '../instant.ts';
import type { SubAccount } from '../ledger/account.ts';
import type { Written, WrittenEntry } from './written.ts';
import { allocationKey, type EntryRef, type Slices } from '../credit/charge.ts';
import { plan } from '../credit/collect.ts';
import { isCompatible } from '../credit/cover.ts';
import type { Grant } from '../credit/grant.ts';
import { untakenSteps } from '../credit/take.ts';
import type { Book } from './book-set.ts';
import { finding, type Finding } from './finding.ts';
import {
  asKnownAt,
  condense,
  creditSince,
  emptyReplay,
  holdEntry,
  oweEntry,
  replayedOf,
  totalOf,
  unheld,
  type Replay,
  type Replayed,
  type ReplayedAdvance,
} from './replay.ts';

/**
 * Whether the credit of a book was used as the law says, version by version, by what was known then: consumptions took
 * what they could in burn order (domain.md §6), and no advance stands beside idle credit that it could use (§7). Only as
 * far as nothing else is wrong with the journal: behind a break nobody knows what was there. What is kept does not grow
 * with the journal: grants of which something is untaken (what expired with them), open advances, and what was handed
 * back for invoicing.
 */
export type UsageCheck = {
  readonly replay: Replay;
  readonly accounts: ReadonlyMap<number, SubAccount>;
  readonly handedBack: ReadonlyMap<number, readonly HandedBack[]>;
  /** Of the page at hand: the advance each covering is of, by the covering's place. */
  covered: ReadonlyMap<string, EntryRef>;
  /** Grants touched since they were last condensed. */
  readonly touched: Set<string>;
  /** Advances told already. */
  readonly told: Set<string>;
  recordedAt: Instant;
  lost: boolean;
};

export const openUsage = async (
  connection: Connection,
  book: Book,
  accounts: ReadonlyMap<number, SubAccount>,
): Promise<UsageCheck> => ({
  replay: emptyReplay(),
  accounts,
  handedBack: await collectionsHandedBack(connection, book),
  covered: new Map(),
  touched: new Set(),
  told: new Set(),
  recordedAt: ALWAYS,
  lost: false,
});

/** Gets to know what the next versions name. */
export async function learnUsage(
  check: UsageCheck,
  connection: Connection,
  { shard, id: bookId }: Book,
  versions: readonly Written[],
): Promise<void> {
  if (check.lost) return;
  const { replay, accounts } = check;
  const entries = versions.flatMap((version) => version.entries);
  const firsts = new Map<string, number>();
  for (const { grantId, version, subAccount } of entries) {
    if (grantId === null || accounts.get(subAccount)?.type !== 'CUSTOMER_FBO') continue;
    if (replayedOf(replay, grantId) === undefined && !firsts.has(grantId)) firsts.set(grantId, version);
  }
  const named = [...firsts.keys()];
  const covers = versions
    .flatMap((version) => transactionsOf(version))
    .filter(({ kind }) => kind === 'COVER');
  const [grants, former, covered] = await settleAll([
    grantsOf(connection, { shard, bookId }, named),
    formerTermsOf(connection, { shard, bookId }, named),
    advancesCovered(
      connection,
      { shard, id: bookId },
      covers.flatMap(({ entries: [first] }) =>
        first === undefined || first.chargeId === null
          ? []
          : [{ version: first.version, position: first.position, chargeId: first.chargeId }],
      ),
    ),
  ]);
  check.covered = covered;
  for (const own of grants) {
    const { id } = own.grant;
    replay.grants.set(id, unheld(own, former.get(id) ?? [], firsts.get(id)!));
  }
}

/** What the next version did that the law would not have done. `isSound`: nothing else is wrong with it. */
export function checkUsage(check: UsageCheck, next: Written, isSound: boolean): readonly Finding[] {
  if (!isSound || next.recordedAt === null) check.lost = true;
  if (check.lost) return [];
  const { replay, accounts, touched } = check;
  if (next.recordedAt! > check.recordedAt) {
    condense(replay, next.recordedAt!, touched);
    touched.clear();
    check.recordedAt = next.recordedAt!;
  }
  const findings: Finding[] = [];
  const freed = new Set<Replayed>();
  const made = new Set<string>();
  const collected = new Set<string>();
  for (const transaction of transactionsOf(next)) {
    findings.push(...checkTaking(check, next, transaction));
    if (transaction.kind === 'CONSUME') collected.add(transaction.entries[0]?.chargeId ?? '');
    for (const entry of transaction.entries) {
      const account = accounts.get(entry.subAccount)!;
      if (account.type === 'CUSTOMER_FBO' && entry.grantId !== null) {
        check.lost ||= !holdEntry(replay, entry);
        touched.add(entry.grantId);
        const own = replayedOf(replay, entry.grantId);
        if (entry.amount > 0n && own !== undefined) freed.add(own);
      } else if (account.type === 'CUSTOMER_RECEIVABLE' && account.costBasis === null) {
        oweEntry(replay, entry, account, check.covered.get(allocationKey(transaction.entries[0]!)));
        if (entry.kind === 'CONSUME') made.add(allocationKey(entry));
      }
    }
    if (check.lost) return findings;
  }
  for (const back of check.handedBack.get(next.version) ?? []) {
    if (!collected.has(back.chargeId)) {
      findings.push(...differing(check, next, { ...back, taken: [], asked: back.amount }));
    }
  }
  return [...findings, ...checkIdle(check, next, freed, made)];
}

type Booked = {
  readonly kind: string;
  readonly bookedAt: Instant;
  readonly entries: readonly WrittenEntry[];
};

function transactionsOf({ transactions, entries }: Written): readonly Booked[] {
  const own = Map.groupBy(entries, (entry) => entry.transaction);
  return transactions.map(({ kind, ordinal, bookedAt }) => ({
    kind,
    bookedAt,
    entries: own.get(ordinal) ?? [],
  }));
}

/** A consumption, or an adjustment down, against what the law would have taken before it. */
function checkTaking(check: UsageCheck, next: Written, { kind, bookedAt, entries }: Booked): Finding[] {
  if (kind !== 'CONSUME' && kind !== 'ADJUST') return [];
  const { accounts, handedBack } = check;
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
  const back = (handedBack.get(next.version) ?? []).find((one) => one.chargeId === chargeId);
  const advanced = -totalOf(of('CUSTOMER_RECEIVABLE'));
  const asked = totalOf(taken) + advanced + (back?.amount ?? 0n);
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
  const grants = new Map<string, Grant>();
  for (const own of creditSince(replay, at)) grants.set(own.grant.id, asKnownAt(own, version - 1));
  const lawful = plan({ grants, historyFrom: ALWAYS }, taking, asked, at);
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
