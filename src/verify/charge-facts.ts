import { sumAmounts, type Amount } from '../amount.ts';
import type {
  ChargesPage,
  WrittenAdvance,
  WrittenCharge,
  WrittenEvent,
  WrittenReduction,
} from './stored-charges.ts';
import type { ChargedEntry } from './charged.ts';
import { allocationKey, type Allocation, type EntryRef } from '../credit/charge.ts';

/** A charge with all that happened to it, and its entries by their places. */
export type ChargeFacts = WrittenCharge & {
  readonly events: readonly WrittenEvent[];
  readonly advances: readonly WrittenAdvance[];
  readonly reductions: readonly WrittenReduction[];
  readonly allocations: readonly Allocation[];
  readonly entries: readonly ChargedEntry[];
  readonly entryAt: ReadonlyMap<string, ChargedEntry>;
  /** What corrections took back of the entry at a place. */
  readonly takenBack: ReadonlyMap<string, Amount>;
};

export function factsOf(
  written: WrittenCharge,
  page: ChargesPage,
  entries: readonly ChargedEntry[],
): ChargeFacts {
  const { id } = written.charge;
  const takenBack = new Map<string, Amount>();
  for (const { reverses, amount } of entries) {
    if (reverses === null) continue;
    const key = allocationKey(reverses);
    takenBack.set(key, (takenBack.get(key) ?? 0n) + amount);
  }
  return {
    ...written,
    events: page.events.get(id) ?? [],
    advances: page.advances.get(id) ?? [],
    reductions: page.reductions.get(id) ?? [],
    allocations: page.allocations.get(id) ?? [],
    ...{ entries, entryAt: new Map(entries.map((entry) => [allocationKey(entry), entry])), takenBack },
  };
}

/** What the entry at a place took of credit, or added to debt; 0 where there is none. */
export const takenAt = ({ entryAt }: ChargeFacts, ref: EntryRef): Amount =>
  -(entryAt.get(allocationKey(ref))?.amount ?? 0n);

/** What corrections gave back of it. */
export const givenBackAt = ({ takenBack }: ChargeFacts, ref: EntryRef): Amount =>
  takenBack.get(allocationKey(ref)) ?? 0n;

/** Which of its collections a version made: one that never was open is collected at once. */
export const collectionAt = ({ events }: ChargeFacts, version: number): number =>
  events.length === 0 ? 1 : events.filter((event) => event.collected > 0n && event.version <= version).length;

export const amountOf = (entries: readonly { readonly amount: Amount }[]): Amount =>
  sumAmounts(entries.map(({ amount }) => amount));
