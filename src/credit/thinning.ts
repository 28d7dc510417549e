import type { Amount } from '../amount.ts';
import { PARTS, type AskedBalance } from './figures.ts';

type Charted = { readonly balances: readonly AskedBalance[] };

/** What is kept of a line of points: how many there were tells whether it is thinned. */
export type Thinned<Point> = { readonly points: readonly Point[]; readonly total: number };

type Numbered<Point> = { readonly nth: number; readonly point: Point };
type Extremes<Point> = { low: Numbered<Point>; lowest: Amount; high: Numbered<Point>; highest: Amount };

/**
 * Gathers points in order and keeps at most about twice `most` of them at any time: every so many, and apart from these
 * those that must survive: the first, the last, and for each figure the first of its lowest and of its highest. Answers
 * all of them if they are not more than `most`; else the latter, and as many others, evenly spread, as still fit.
 */
export function thinning<Point extends Charted>(
  most: number,
): { add(point: Point): void; thinned(): Thinned<Point> } {
  let total = 0;
  let stride = 1;
  let sample: Numbered<Point>[] = [];
  let first: Numbered<Point> | null = null;
  let last: Numbered<Point> | null = null;
  // By the number of the figure among a point's figures, which is the same in all.
  const extremes: (Extremes<Point> | undefined)[] = [];
  return {
    add(point) {
      const numbered = { nth: total, point };
      first ??= numbered;
      last = numbered;
      note(extremes, numbered);
      if (total % stride === 0) sample.push(numbered);
      if (sample.length > 2 * most) {
        stride *= 2;
        sample = sample.filter(({ nth }) => nth % stride === 0);
      }
      total += 1;
    },
    thinned() {
      if (total <= most) return { points: sample.map(({ point }) => point), total };
      const ends = [first, last].filter((one) => one !== null);
      const outstanding = extremes.flatMap((figure) =>
        figure === undefined ? [] : [figure.low, figure.high],
      );
      const kept = new Map([...ends, ...outstanding].map((one) => [one.nth, one.point]));
      const others = sample.filter(({ nth }) => !kept.has(nth));
      for (const { nth, point } of evenly(others, most - kept.size)) kept.set(nth, point);
      return { points: [...kept].toSorted(([a], [b]) => a - b).map(([, point]) => point), total };
    },
  };
}

function note<Point extends Charted>(
  extremes: (Extremes<Point> | undefined)[],
  numbered: Numbered<Point>,
): void {
  for (const [row, figures] of numbered.point.balances.entries()) {
    for (const [column, name] of PARTS.entries()) {
      const amount = figures[name];
      if (amount === undefined) continue;
      const figure = row * PARTS.length + column;
      const known = extremes[figure];
      if (known === undefined) {
        extremes[figure] = { low: numbered, lowest: amount, high: numbered, highest: amount };
      } else if (amount < known.lowest) {
        known.low = numbered;
        known.lowest = amount;
      } else if (amount > known.highest) {
        known.high = numbered;
        known.highest = amount;
      }
    }
  }
}

/** At most `count` of the items, at even distances. */
function evenly<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}
