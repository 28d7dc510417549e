import { bookKeyText, type BookKey } from '../tables/book-key.ts';

/**
 * What waits its turn, in order of arrival. What was taken holds its books until it is released: what else is wanted of
 * them stays in line, so that no book is in two batches at a time and the writes of each keep their order.
 */
export type Line<One> = {
  readonly length: () => number;
  /** How many could be taken now. */
  readonly free: () => number;
  join(one: One): void;
  /** The first that may be taken, `most` at most. Of those that are not `wanted` any more nothing stays in line. */
  take(most: number, wanted: (one: One) => boolean): readonly One[];
  release(taken: readonly One[]): void;
};

export function createLine<One>(keyOf: (one: One) => BookKey): Line<One> {
  type Place = { readonly one: One; readonly book: string };
  let places: Place[] = [];
  const held = new Set<string>();
  let free = 0;
  const isFree = ({ book }: Place) => !held.has(book);
  const recount = () => (free = places.reduce((count, place) => count + Number(isFree(place)), 0));

  return {
    length: () => places.length,
    free: () => free,
    join(one) {
      const place = { one, book: bookKeyText(keyOf(one)) };
      places.push(place);
      if (isFree(place)) free += 1;
    },
    take(most, wanted) {
      const taken: Place[] = [];
      const left: Place[] = [];
      for (const place of places) {
        if (taken.length === most || !isFree(place)) left.push(place);
        else if (wanted(place.one)) taken.push(place);
      }
      places = left;
      for (const { book } of taken) held.add(book);
      recount();
      return taken.map(({ one }) => one);
    },
    release(taken) {
      for (const one of taken) held.delete(bookKeyText(keyOf(one)));
      recount();
    },
  };
}
