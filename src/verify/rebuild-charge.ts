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
import { NEVER, type Instant } from '../instant.ts';
import { isSettled, type SubAccount } from '../ledger/account.ts';
import type { StoredEntry } from '../ledger/store.ts';
import type { ChargeEvent, StoredCharge } from '../tables/charges.ts';
import type { FoundRow } from './compare.ts';

/** A charge as it stands in its row, and when the version that closed it was recorded. */
export type FoundCharge = FoundRow<StoredCharge> & { readonly closingRecordedAt: Instant | null };

/** An entry of a charge on an account that its figures follow from. */
export type ChargedEntry = StoredEntry & { readonly account: SubAccount };

/** Whether a charge's figures follow from an account: held credit, debt of advances, earnings. */
export const isTelling = (account: SubAccount): boolean => isSettled(account) || isEarnings(account);

const isEarnings = ({ type }: SubAccount): boolean => type === 'EARNINGS';
const isHeld = ({ type }: SubAccount): boolean => type === 'CUSTOMER_FBO';

/** `closedVersion`: the version that covered or reduced away the last of it; null while some of it is uncovered. */
type RebuiltAdvance = { readonly fact: Advance; readonly closedVersion: number | null };

/** A charge's row and the others about it, as they should be. */
export type RebuiltCharge = {
  readonly own: StoredCharge;
  readonly events: readonly ChargeEvent[];
  readonly advances: readonly RebuiltAdvance[];
  readonly reductions: readonly Reduction[];
  readonly allocations: readonly Allocation[];
};

/** A charge up to some version. */
type Rebuild = {
  charge: Charge;
  readonly events: ChargeEvent[];
  readonly splits: Map<string, Allocation>;
  /** Of which advance each covering is only its row tells; the advance is held against what covers it. */
  readonly collectionOf: ReadonlyMap<string, number>;
  readonly advances: RebuiltAdvance[];
  readonly reductions: Reduction[];
};

/**
 * Rebuilds a charge, its splits and advances from its entries in order and what its events tell beside them: totals, and
 * what was handed back for invoicing. `hashedSince`: from this version on nothing was written in the first format, which
 * kept no sequences.
 */
export function rebuildCharge(
  { fact, closingRecordedAt }: FoundCharge,
  events: readonly ChargeEvent[],
  allocations: readonly Allocation[],
  entries: readonly ChargedEntry[],
  hashedSince: number,
): RebuiltCharge {
  const { charge: written } = fact;
  const rebuild: Rebuild = {
    charge: newCharge({ ...written, chargeId: written.id }, written),
    events: [],
    splits: new Map(),
    collectionOf: new Map(allocations.map((own) => [allocationKey(own.ref), own.collection])),
    advances: [],
    reductions: [],
  };
  const told = new Map(events.map((event) => [event.version, event]));
  const booked = Map.groupBy(entries, ({ version }) => version);
  const versions = new Set([written.version, ...told.keys(), ...booked.keys()]);
  for (const version of [...versions].toSorted((a, b) => a - b)) {
    const own = booked.get(version) ?? [];
    collect(rebuild, told.get(version), own, told.size === 0 && version === written.version);
    for (const entry of own) book(rebuild, entry, own);
  }
  const last = events.at(-1);
  const { version = written.version, sequence = null } = last ?? {};
  const closedVersion = written.status === 'OPEN' ? null : version;
  const charge = {
    ...rebuild.charge,
    status: written.status,
    sequence: version >= hashedSince ? sequence : written.sequence,
    // A write that is missing is told as that.
    closedAt: closedVersion === null ? null : (closingRecordedAt ?? written.closedAt),
  };
  return {
    own: { charge, closedVersion },
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
  event: ChargeEvent | undefined,
  entries: readonly ChargedEntry[],
  isWhole: boolean,
): void {
  const { charge } = rebuild;
  const credit = entries.filter(({ account }) => !isEarnings(account));
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
  const { account, kind, amount, reverses, version } = entry;
  if (isEarnings(account)) recognize(rebuild, entry, ofWrite);
  else if (kind === 'CONSUME' && !isHeld(account)) advance(rebuild, entry);
  else if (kind === 'CONSUME') keep(rebuild, entry, 'SOURCE', rebuild.charge.collections);
  else if (kind === 'COVER' && isHeld(account)) {
    const collection = rebuild.collectionOf.get(allocationKey(entry)) ?? 0;
    keep(rebuild, entry, 'COVER', collection);
    settle(rebuild, (own) => own.collection === collection, -amount, version);
  } else if (reverses !== null) giveBack(rebuild, entry, reverses);
}

function advance(rebuild: Rebuild, { version, position, amount, bookedAt: at }: ChargedEntry): void {
  const { charge, advances } = rebuild;
  const { id: chargeId, collections: collection, currency, featureKey, tax } = charge;
  const owed = { amount: -amount, uncovered: -amount, at, entry: { version, position } };
  advances.push({ fact: { chargeId, collection, currency, featureKey, tax, ...owed }, closedVersion: null });
  rebuild.charge = { ...charge, advanced: charge.advanced - amount };
}

function keep(
  { splits, charge }: Rebuild,
  { version, position, amount, grantId, bookedAt: at }: ChargedEntry,
  kind: Allocation['kind'],
  collection: number,
): void {
  const ref = { version, position };
  const taken = { ref, chargeId: charge.id, collection, kind, grantId: grantId ?? '', amount: -amount, at };
  splits.set(allocationKey(ref), { ...taken, returned: 0n, recognized: 0n });
}

function giveBack(
  rebuild: Rebuild,
  { version, amount, bookedAt: at }: ChargedEntry,
  reverses: EntryRef,
): void {
  const { charge, splits, reductions } = rebuild;
  const key = allocationKey(reverses);
  const split = splits.get(key);
  if (split !== undefined) splits.set(key, { ...split, returned: split.returned + amount });
  const reduced =
    split === undefined && settle(rebuild, (own) => allocationKey(own.entry) === key, amount, version);
  if (reduced) {
    const { chargeId, collection } = reduced;
    const number = reductions.filter((own) => own.version === version).length + 1;
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
  const i = advances.findIndex(({ fact }) => which(fact));
  const fact = advances[i]?.fact;
  if (fact === undefined) return undefined;
  const uncovered = fact.uncovered - amount;
  advances[i] = { fact: { ...fact, uncovered }, closedVersion: uncovered > 0n ? null : version };
  return fact;
}

/** Earnings name charge and grant. Of which split they are, what comes back behind them tells, or the order of accrual. */
function recognize({ splits }: Rebuild, entry: ChargedEntry, ofWrite: readonly ChargedEntry[]): void {
  const split = entry.kind === 'CORRECT' ? splitBehind(splits, entry, ofWrite) : firstAccrued(splits, entry);
  if (split === undefined) return;
  splits.set(allocationKey(split.ref), { ...split, recognized: split.recognized + entry.amount });
}

function splitBehind(
  splits: ReadonlyMap<string, Allocation>,
  { position }: ChargedEntry,
  ofWrite: readonly ChargedEntry[],
): Allocation | undefined {
  const back = ofWrite.find(
    (entry) => entry.position > position && isHeld(entry.account) && entry.reverses !== null,
  );
  return back && splits.get(allocationKey(back.reverses!));
}

/** Where nothing is accrued any split of the grant, which then is not as it should be. */
function firstAccrued(
  splits: ReadonlyMap<string, Allocation>,
  { grantId, bookedAt }: ChargedEntry,
): Allocation | undefined {
  let first: Allocation | undefined;
  let accruedAt = NEVER;
  for (const own of splits.values()) {
    if (own.grantId !== grantId) continue;
    first ??= own;
    if (own.at > bookedAt || own.at >= accruedAt || own.returned + own.recognized >= own.amount) continue;
    [first, accruedAt] = [own, own.at];
  }
  return first;
}
