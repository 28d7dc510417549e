import type { Instant } from '../instant.ts';
import { inForceAt, type Grant } from './grant.ts';

/**
 * The total order in which credit is used (domain.md §6): priority ascending → restricted before unrestricted →
 * earlier expiry, never-expiring last → earlier effective instant → grant id.
 */
export function burnOrder(a: Grant, b: Grant): number {
  return (
    a.priority - b.priority ||
    Number(a.featureKeys.length === 0) - Number(b.featureKeys.length === 0) ||
    order(a.expiresAt, b.expiresAt) ||
    order(a.effectiveAt, b.effectiveAt) ||
    order(a.id, b.id)
  );
}

/** The same by the times in force at an instant: a grant rescheduled later stood elsewhere in the order then. */
export const burnOrderAt =
  (at: Instant) =>
  (a: Grant, b: Grant): number =>
    burnOrder(inForceAt(a, at), inForceAt(b, at));

// Not a subtraction: NEVER − NEVER is not a number.
const order = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
