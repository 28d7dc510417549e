/** Lets so many pieces of work through at once; the others wait in order of arrival. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

export function createLimiter(width: number): Limiter {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (work) => {
    if (inside < width) inside += 1;
    // Whoever leaves hands its place on.
    else await new Promise<void>((enter) => waiting.push(enter));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
