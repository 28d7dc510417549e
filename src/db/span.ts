import { NEVER } from '../instant.ts';

/**
 * How intervals are found that contain a point, without GiST and without reading all that ended after it.
 *
 * Every closed interval carries the class of its length: class c holds lengths in [4ᶜ, 4ᶜ⁺¹). One of class c that
 * contains the point p ends in (p, p + 4ᶜ⁺¹] and starts in (p − 4ᶜ⁺¹, p], so one short index range per class finds all;
 * at most about four times as many rows are looked at as are found. Works for instants (ms) and versions alike.
 */
export const CLASSES: readonly number[] = Array.from({ length: 25 }, (_, c) => c);

/** The class of an interval's length; null for an empty interval, which contains nothing. */
export function spanClass(from: number, until: number): number | null {
  const length = until - from;
  if (length <= 0) return null;
  if (length === NEVER) return OPEN;
  let spanned = 0;
  for (let reach = 4; reach <= length; reach *= 4) spanned += 1;
  return spanned;
}

/** The class of a life's length in versions; null while it lasts. */
export const lifeClass = (version: number, closedVersion: number | null): number | null =>
  closedVersion === null ? null : spanClass(version, closedVersion);

/** The class of intervals whose end is not known: they are few, and all looked at. */
export const OPEN = CLASSES.length;

/** For each class the last end an interval that contains `point` can have. */
export const latestEnds = (point: number): readonly number[] => CLASSES.map((c) => point + 4 ** (c + 1));
