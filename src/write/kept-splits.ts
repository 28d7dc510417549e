import type { BookState } from '../credit/book-state.ts';
import type { Allocation } from '../credit/charge.ts';
import { isKept, type SplitsKept } from '../tables/allocations.ts';

/**
 * What a write does to the rows of splits: those of which it gave something back or recognized something get one, and so
 * does whatever lies before the last split it recognized of. So the next recognition looks at nothing before that.
 */
export function keptSplits(
  before: Pick<BookState, 'allocations'>,
  after: Pick<BookState, 'allocations'>,
  kept: SplitsKept,
): { readonly splits: readonly (readonly [key: string, split: Allocation])[]; readonly kept: SplitsKept } {
  const splits: [string, Allocation][] = [];
  let { throughVersion } = kept;
  for (const [key, split] of after.allocations.changedSince(before.allocations)) {
    if (isKept(split, kept)) splits.push([key, split]);
    const recognized = before.allocations.get(key)?.recognized ?? 0n;
    if (split.recognized > recognized) throughVersion = Math.max(throughVersion, split.ref.version);
  }
  if (throughVersion === kept.throughVersion) return { splits, kept };
  const through = { throughVersion };
  for (const [key, split] of after.allocations) {
    if (!isKept(split, kept) && isKept(split, through)) splits.push([key, split]);
  }
  return { splits, kept: through };
}
