import { createLimiter } from '../live/limiter.ts';

/** Work on items, a bounded number at once, and never two of one item at a time. */
export type SingleFlight<Item> = {
  /** Settles as work that began after the call; calls that come while one waits for its turn share it. */
  refresh(item: Item): Promise<void>;
};

type Flight = { done: Promise<void>; begun: boolean; next: Promise<void> | null };

export function createSingleFlight<Item>(
  atOnce: number,
  work: (item: Item) => Promise<void>,
): SingleFlight<Item> {
  const limiter = createLimiter(atOnce);
  const flights = new Map<Item, Flight>();

  function begin(item: Item): Promise<void> {
    const flight: Flight = { done: Promise.resolve(), begun: false, next: null };
    flights.set(item, flight);
    flight.done = limiter(async () => {
      flight.begun = true;
      await work(item);
    }).finally(() => flights.delete(item));
    return flight.done;
  }

  function refresh(item: Item): Promise<void> {
    const flight = flights.get(item);
    if (flight === undefined) return begin(item);
    if (!flight.begun) return flight.done;
    flight.next ??= flight.done.catch(() => undefined).then(() => refresh(item));
    return flight.next;
  }

  return { refresh };
}
