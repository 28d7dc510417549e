import { SHARDS } from '../tables/book-key.ts';
import type { Instant } from '../instant.ts';
import type { ShardTail } from './feed-rows.ts';

/**
 * A moment: what takes its transaction id later reads its clock later. Once the horizons are above these ids, whatever
 * was recorded before `at` can be read below them.
 */
export type Mark = { readonly look: number; readonly at: Instant; readonly xids: readonly number[] };

/** What the looks at the journal's end have shown so far, of each shard. */
export type Sight = {
  readonly shards: readonly ShardTail[];
  /** The newest mark that the horizons are above. */
  complete: Mark | null;
  /** Marks that older transactions still hold back, oldest first. */
  waiting: readonly Mark[];
};

/** Marks that wait; one more replaces the newest. */
const MOST_WAITING = 8;

export const noSight = (): Sight => ({
  shards: Array.from({ length: SHARDS }, () => ({ horizon: 0, last: -1 })),
  ...{ complete: null, waiting: [] },
});

export function addMark(sight: Sight, mark: Mark): void {
  sight.waiting = [...sight.waiting.slice(0, MOST_WAITING - 1), mark];
}

/** Takes in what a look has found; answers whether a horizon has moved. Throws when one has gone back. */
export function takeIn(sight: Sight, asked: readonly number[], found: readonly ShardTail[]): boolean {
  const shards = sight.shards as ShardTail[];
  let moved = false;
  for (const [i, shard] of asked.entries()) {
    const [before, now] = [shards[shard]!.horizon, found[i]!.horizon];
    if (now < before) wentBack(before, now);
    moved ||= now > before;
    shards[shard] = found[i]!;
  }
  const passed = sight.waiting.filter(({ xids }) => xids.every((xid, shard) => xid < shards[shard]!.horizon));
  sight.complete = passed.at(-1) ?? sight.complete;
  sight.waiting = sight.waiting.slice(passed.length);
  return moved;
}

/** The shards where something waits for older transactions to end: a write that can be seen, or a mark. */
export const heldBack = ({ shards, waiting }: Sight): readonly number[] =>
  [...shards.keys()].filter((shard) => waiting.length > 0 || shards[shard]!.last >= shards[shard]!.horizon);

const wentBack = (before: number, now: number): never => {
  throw new Error(
    `invariant: the database's transaction ids went back from ${before} to ${now}: was it restored to an earlier ` +
      'moment, or taken over by a standby that was behind? src/feed/README.md says what to do',
  );
};
