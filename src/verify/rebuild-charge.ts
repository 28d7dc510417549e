import { sumAmounts, type Amount } from '../amount.ts';
import type { Reduction } from '../credit/book-state.ts';
import {
  allocationKey,
  newCharge,
  type Advance,
  type Allocation,
  type Charge,
  type EntryRef,
} from '../credit/charge.ts';
import { NEVER } from '../instant.ts';
import type { StoredCharge } from '../tables/charges.ts';
import type { ChargedEntry, ChargeRows, WrittenCharge } from './stored-charges.ts';

type StoredAdvance = { readonly advance: Advance; readonly closedVersion: number | null };

/** A charge's row and the others about it, as they should be. */
export type RebuiltCharge = StoredCharge & {
  readonly events: ChargeRows['events'];
  readonly advances: readonly StoredAdvance[];
  readonly reductions: readonly Reduction[];
  readonly allocations: readonly Allocation[];
};

/** A charge up to some version. */
type Rebuild = {
  charge: Charge;
  readonly events: ChargeRows['events'][number][];
  readonly splits: Map<string, Allocation>;
  /** Of which advance each covering is only its row tells; the advance is held against what covers it. */
  readonly collectionOf: ReadonlyMap<string, number>;
  readonly advances: StoredAdvance[];
  readonly reductions: Reduction[];
};

/**
 * Rebuilds a charge, its splits and advances from its entries in order and what its events tell beside them: totals, and
 * what was handed back for invoicing. `hashedSince`: from this version on nothing was written in the first format, which
 * kept no sequences.
 */
export function rebuildCharge(
  { charge: written, closingRecordedAt }: WrittenCharge,
  found: ChargeRows,
  entries: readonly ChargedEntry[],
  hashedSince: number,
): RebuiltCharge {
  const rebuild: Rebuild = {
    charge: newCharge({ ...written, chargeId: written.id }, written),
    events: [],
    splits: new Map(),
    collectionOf: new Map(found.allocations.map((own) => [allocationKey(own.ref), own.collection])),
    advances: [],
    reductions: [],
  };
  const told = new Map(found.events.map((event) => [event.version, event]));
  const booked = Map.groupBy(entries, ({ ref }) => ref.version);
  const versions = new Set([written.version, ...told.keys(), ...booked.keys()]);
  for (const version of [...versions].toSorted((a, b) => a - b)) {
    const own = booked.get(version) ?? [];
    collect(rebuild, told.get(version), own, told.size === 0 && version === written.version);
    for (const entry of own) book(rebuild, entry, own);
  }
  const last = found.events.at(-1);
  const { version = written.version, sequence = null } = last ?? {};
  const closedVersion = written.status === 'OPEN' ? null : version;
  return {
    charge: {
      ...rebuild.charge,
      status: written.status,
      sequence: version >= hashedSince ? sequence : written.sequence,
      // A write that is missing is told as that.
      closedAt: closedVersion === null ? null : (closingRecordedAt ?? written.closedAt),
    },
    closedVersion,
    events: rebuild.events,
    advances: rebuild.advances,
    reductions: rebuild.reductions,
    allocations: [...rebuild.splits.values()],
  };
}

/**
 * What a version collected: what credit and advances dealt with, and more only where the rest is handed back.
 * `isWhole`: the charge never was open, and collected its amount at once.
 */
function collect(
  rebuild: Rebuild,
  event: ChargeRows['events'][number] | undefined,
  entries: readonly ChargedEntry[],
  isWhole: boolean,
): void {
  const { charge } = rebuild;
  const credit = entries.filter(({ account }) => account !== 'EARNINGS');
  const dealtWith = -sumAmounts(credit.map(({ amount }) => amount));
  const asked = event?.collected ?? (isWhole ? charge.amount : dealtWith);
  const collected = charge.mode === 'CREDIT_THEN_INVOICE' ? asked : dealtWith;
  if (event !== undefined) rebuild.events.push({ ...event, collected });
  rebuild.charge = {
    ...charge,
    amount: event?.amount ?? (isWhole ? collected : charge.amount),
    collections: charge.collections + (collected > 0n ? 1 : 0),
    collected: charge.collected + collected,
    invoiced: charge.invoiced + collected - dealtWith,
  };
}

function book(rebuild: Rebuild, entry: ChargedEntry, ofWrite: readonly ChargedEntry[]): void {
  const { account, kind, ref, amount, reverses } = entry;
  if (account === 'EARNINGS') recognize(rebuild, entry, ofWrite);
  else if (kind === 'CONSUME' && account === 'CUSTOMER_RECEIVABLE') advance(rebuild, entry);
  else if (kind === 'CONSUME') keep(rebuild, entry, 'SOURCE', rebuild.charge.collections);
  else if (kind === 'COVER' && account === 'CUSTOMER_FBO') {
    const collection = rebuild.collectionOf.get(allocationKey(ref)) ?? 0;
    keep(rebuild, entry, 'COVER', collection);
    settle(rebuild, (own) => own.collection === collection, -amount, ref.version);
  } else if (reverses !== null) giveBack(rebuild, entry, reverses);
}

function advance(rebuild: Rebuild, { ref: entry, amount, bookedAt: at }: ChargedEntry): void {
  const { charge, advances } = rebuild;
  const { id: chargeId, collections: collection, currency, featureKey, tax } = charge;
  const owed = { amount: -amount, uncovered: -amount, at, entry };
  advances.push({
    advance: { chargeId, collection, currency, featureKey, tax, ...owed },
    closedVersion: null,
  });
  rebuild.charge = { ...charge, advanced: charge.advanced - amount };
}

function keep(
  { splits, charge }: Rebuild,
  { ref, amount, grantId, bookedAt: at }: ChargedEntry,
  kind: Allocation['kind'],
  collection: number,
): void {
  const taken = { ref, chargeId: charge.id, collection, kind, grantId: grantId ?? '', amount: -amount, at };
  splits.set(allocationKey(ref), { ...taken, returned: 0n, recognized: 0n });
}

function giveBack(rebuild: Rebuild, { ref, amount, bookedAt: at }: ChargedEntry, reverses: EntryRef): void {
  const { charge, splits, reductions } = rebuild;
  const key = allocationKey(reverses);
  const split = splits.get(key);
  if (split !== undefined) splits.set(key, { ...split, returned: split.returned + amount });
  const reduced =
    split === undefined && settle(rebuild, (own) => allocationKey(own.entry) === key, amount, ref.version);
  if (reduced) {
    const { version } = ref;
    const number = reductions.filter((own) => own.version === version).length + 1;
    const { chargeId, collection } = reduced;
    reductions.push({ version, number, chargeId, collection, amount, at });
  }
  if (reduced || split?.kind === 'COVER') rebuild.charge = { ...charge, advanced: charge.advanced - amount };
}

/** Takes off what is owed of an advance. None: the entry takes back what a covering had paid, which is owed no more. */
function settle(
  { advances }: Rebuild,
  which: (own: Advance) => boolean,
  amount: Amount,
  version: number,
): Advance | undefined {
  const i = advances.findIndex((own) => which(own.advance));
  const before = advances[i];
  if (before === undefined) return undefined;
  const uncovered = before.advance.uncovered - amount;
  advances[i] = {
    advance: { ...before.advance, uncovered },
    closedVersion: uncovered > 0n ? null : version,
  };
  return before.advance;
}

/** Earnings name charge and grant: of which split, what comes back behind them tells, or else the order of accrual. */
function recognize(
  { splits }: Rebuild,
  { kind, ref, grantId, amount, bookedAt }: ChargedEntry,
  ofWrite: readonly ChargedEntry[],
): void {
  const isBack = (entry: ChargedEntry) =>
    entry.ref.position > ref.position && entry.account === 'CUSTOMER_FBO' && entry.reverses !== null;
  const back = kind === 'CORRECT' ? ofWrite.find(isBack)?.reverses : undefined;
  let split = splits.get(allocationKey(back ?? ref));
  let accruedAt = NEVER;
  if (split === undefined) {
    for (const own of splits.values()) {
      if (own.grantId !== grantId) continue;
      // Where there is no such split it is of any, which then is not as it should be.
      split ??= own;
      if (own.at > bookedAt || own.at >= accruedAt || own.returned + own.recognized >= own.amount) continue;
      [split, accruedAt] = [own, own.at];
    }
  }
  if (split === undefined) return;
  splits.set(allocationKey(split.ref), { ...split, recognized: split.recognized + amount });
}
