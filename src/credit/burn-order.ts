import type { Grant } from './grant.ts';

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

// Not a subtraction: NEVER − NEVER is not a number.
const order = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
