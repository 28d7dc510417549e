import { gather } from '../db/gather.ts';

/** Work on items: on those that wait together at once, in a bounded number of rounds, and never twice on one at a time. */
export type SingleFlight<Item> = {
  /** Settles as work that began after the call; calls that come while one waits for its turn share it. */
  refresh(item: Item): Promise<void>;
};

type Flight<Item> = { readonly item: Item; done: Promise<void>; begun: boolean; next: Promise<void> | null };

/** A flight may have several who wait for it, so none of them calls it off. */
const FOR_ANYBODY = new AbortController().signal;

export function createSingleFlight<Item>(
  rounds: { readonly atOnce: number; readonly most: number },
  work: (items: readonly Item[]) => Promise<void>,
): SingleFlight<Item> {
  const flights = new Map<Item, Flight<Item>>();

  const fly = gather(async (round: readonly Flight<Item>[]) => {
    for (const flight of round) flight.begun = true;
    await work(round.map(({ item }) => item));
    return round.map(() => undefined);
  }, rounds);

  function begin(item: Item): Promise<void> {
    const flight: Flight<Item> = { item, done: Promise.resolve(), begun: false, next: null };
    flights.set(item, flight);
    flight.done = fly(flight, FOR_ANYBODY).finally(() => flights.delete(item));
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
