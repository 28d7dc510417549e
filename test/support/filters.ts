import type { Json } from './service.ts';

/** A filter as it is asked for, and as it reads. */
export type Filter = { readonly asked: object; readonly shows: (row: Json) => boolean };

/** Rows with a value in a field. */
export const having = (field: string, value: string): Filter => ({
  asked: { [field]: value },
  shows: (row) => row[field] === value,
});

const both = (a: Filter, b: Filter): Filter => ({
  asked: { ...a.asked, ...b.asked },
  shows: (row) => a.shows(row) && b.shows(row),
});

/**
 * Of any two kinds of filters so many pairs in which each hides most of what the other lets through: one that is
 * forgotten is noticed.
 */
export function pairsOf(
  rows: readonly Json[],
  kinds: readonly (readonly Filter[])[],
  most: number,
): readonly Filter[] {
  const shown = ({ shows }: Filter): number => rows.filter(shows).length;
  const told = (a: Filter, b: Filter) => {
    const pair = both(a, b);
    const left = shown(pair);
    return { pair, worth: Math.min(left, shown(a) - left, shown(b) - left) };
  };
  return kinds.flatMap((some, i) =>
    kinds.slice(i + 1).flatMap((others) =>
      some
        .flatMap((a) => others.map((b) => told(a, b)))
        .filter(({ worth }) => worth > 0)
        .toSorted((a, b) => b.worth - a.worth)
        .slice(0, most)
        .map(({ pair }) => pair),
    ),
  );
}
