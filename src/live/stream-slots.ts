import { refuse } from '../refusal.ts';

/** How many streams of a kind one process serves at once, and no more. */
export type StreamSlots = {
  /** Takes a slot and gives back what frees it, once; refuses with TOO_MANY_WATCHES when all are taken. */
  enter(): () => void;
  taken(): number;
  readonly limit: number;
};

/** `words` say what a caller is told that there is no slot for. */
export function createStreamSlots(limit: number, words: string): StreamSlots {
  const inside = new Set<symbol>();
  return {
    enter() {
      if (inside.size >= limit) refuse('TOO_MANY_WATCHES', words, { limit: String(limit) });
      const slot = Symbol('slot');
      inside.add(slot);
      return () => void inside.delete(slot);
    },
    taken: () => inside.size,
    limit,
  };
}
