import { SHARDS } from '../tables/book-key.ts';
import type { Instant } from '../instant.ts';
import { endOf, type ShardTail } from './feed-rows.ts';

/**
 * A moment of the database: what takes its transaction id later reads its clock later. Once the horizons are above these ids, whatever
 * was recorded before `at` can be read below them.
 */
export type Watermark = { readonly look: number; readonly at: Instant; readonly xids: readonly number[] };

/** How far the journal can be read, as the looks at its end have shown so far, of each shard. */
export type Horizons = {
  readonly shards: readonly ShardTail[];
  /** The newest watermark that the horizons are above. */
  complete: Watermark | null;
  /** Those that older transactions still hold back, oldest first. */
  waiting: readonly Watermark[];
};

/** Watermarks that wait; one more replaces the newest. */
const MOST_WAITING = 8;

export const noHorizons = (): Horizons => ({
  shards: Array.from({ length: SHARDS }, () => ({ horizon: 0, last: -1 })),
  complete: null,
  waiting: [],
});

export function addWatermark(horizons: Horizons, watermark: Watermark): void {
  horizons.waiting = [...horizons.waiting.slice(0, MOST_WAITING - 1), watermark];
}

/**
 * Takes in what a look has found; answers whether a horizon has moved. One may go back in a crash, but an end does not:
 * throws where one has.
 */
export function takeIn(horizons: Horizons, asked: readonly number[], found: readonly ShardTail[]): boolean {
  const shards = horizons.shards as ShardTail[];
  let moved = false;
  for (const [i, shard] of asked.entries()) {
    const [before, now] = [shards[shard]!, found[i]!];
    if (endOf(now) < endOf(before)) wentBack(endOf(before), endOf(now));
    moved ||= now.horizon > before.horizon;
    shards[shard] = now;
  }
  const passed = horizons.waiting.filter(({ xids }) =>
    xids.every((xid, shard) => xid < shards[shard]!.horizon),
  );
  horizons.complete = passed.at(-1) ?? horizons.complete;
  horizons.waiting = horizons.waiting.slice(passed.length);
  return moved;
}

/** The shards where something waits for older transactions to end: a write that can be seen, or a watermark. */
export const heldBack = ({ shards, waiting }: Horizons): readonly number[] =>
  [...shards.keys()].filter((shard) => waiting.length > 0 || shards[shard]!.last >= shards[shard]!.horizon);

/** How far what is known to be all there lies behind now, in milliseconds. */
export const lagOf = ({ complete }: Horizons, now: Instant): number =>
  complete === null ? 0 : Math.max(0, now - complete.at);

const wentBack = (before: number, now: number): never => {
  throw new Error(
    `invariant: the database's transaction ids went back from ${before} to ${now}: was it restored to an earlier ` +
      'moment, or taken over by a standby that was behind? src/feed/README.md says what to do',
  );
};
