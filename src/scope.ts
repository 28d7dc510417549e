/** Which credit and charges a question is about (domain.md §10). */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'unrestricted' }
  | { readonly kind: 'feature'; readonly featureKey: string };

export const ALL: Scope = { kind: 'all' };

/**
 * Whether something restricted to `featureKeys` (empty: unrestricted) shows in the scope. A charge or advance
 * counts as restricted to its one feature key, or unrestricted without one.
 */
export function inScope(scope: Scope, featureKeys: readonly string[]): boolean {
  if (scope.kind === 'all' || featureKeys.length === 0) return true;
  return scope.kind === 'feature' && featureKeys.includes(scope.featureKey);
}

/** As {@link inScope}, for a statement: the keys of what shows beside all that is unrestricted; null: any. */
export const keysIn = (scope: Scope): readonly string[] | null =>
  scope.kind === 'all' ? null : scope.kind === 'feature' ? [scope.featureKey] : [];

/** The feature keys a charge or advance is counted under. */
export const keysOf = (featureKey: string | null): readonly string[] =>
  featureKey === null ? [] : [featureKey];

/** Whether credit restricted to `featureKeys` may pay a charge for `featureKey` (domain.md §6). */
export const mayPay = (featureKeys: readonly string[], featureKey: string | null): boolean =>
  featureKeys.length === 0 || (featureKey !== null && featureKeys.includes(featureKey));
