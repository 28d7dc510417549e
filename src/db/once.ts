/**
 * Things that are each there once. A statement joins its rows to what it is asked about, so what is named twice would
 * give its rows twice, and whoever adds them up would count them twice: what several commands of a batch name is the
 * usual case. The parameters that name something are made of these alone (placement.ts), and there is no other way to
 * come by one than {@link once}.
 */
export type Once<One> = readonly One[] & { readonly [ONCE]: true };
declare const ONCE: unique symbol;

/** Each once, told apart by a key: the last of those that share one, in the place of the first. */
export const once = <One>(all: Iterable<One>, keyOf: (one: One) => string): Once<One> =>
  [...new Map(Array.from(all, (one) => [keyOf(one), one])).values()] as unknown as Once<One>;
