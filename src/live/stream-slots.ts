import { refuse } from '../refusal.ts';

/** How many streams one process serves at once, and no more. */
export type StreamSlots = {
  /** Takes a place and gives back what frees it, once; refuses with TOO_MANY_WATCHES when all are taken. */
  enter(): () => void;
  taken(): number;
};

export function createStreamSlots(limit: number): StreamSlots {
  const inside = new Set<symbol>();
  return {
    enter() {
      if (inside.size >= limit)
        return refuse(
          'TOO_MANY_WATCHES',
          `this instance serves ${limit} watches at once, and all are taken`,
          {
            limit: String(limit),
          },
        );
      const place = Symbol('place');
      inside.add(place);
      return () => void inside.delete(place);
    },
    taken: () => inside.size,
  };
}
