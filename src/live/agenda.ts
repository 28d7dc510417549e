import type { Clock } from '../db/clock.ts';
import { NEVER, type Instant } from '../instant.ts';

/** What is due when, however many there are: one alarm, for the earliest. */
export type Agenda<Item> = {
  /** From now on the item is due at this instant and no other; NEVER takes it off. */
  set(item: Item, at: Instant): void;
  close(): void;
};

/** What its instants are on: the database's time, or the process's milliseconds. */
type Times = Pick<Clock, 'now' | 'at'>;

type Entry<Item> = { readonly item: Item; readonly at: Instant };

/** How many are dealt with before others get a turn: at midnight all are due. */
const AT_ONCE = 100;

/** `onDue` is called for each item when its instant has come; it is off the agenda then, until it is set again. */
export function createAgenda<Item>(clock: Times, onDue: (item: Item) => void): Agenda<Item> {
  // A heap by instant. An item set anew leaves its old entry behind, which is passed over when it comes up.
  const heap: Entry<Item>[] = [];
  const current = new Map<Item, Entry<Item>>();
  let alarm: { readonly at: Instant; readonly cancel: () => void } | null = null;

  function ring(): void {
    alarm = null;
    const now = clock.now();
    for (let dealt = 0; dealt < AT_ONCE && heap.length > 0 && heap[0]!.at <= now;) {
      const entry = pop(heap);
      if (current.get(entry.item) !== entry) continue;
      current.delete(entry.item);
      dealt += 1;
      onDue(entry.item);
    }
    arm();
  }

  function arm(): void {
    const earliest = heap[0]?.at ?? NEVER;
    if (earliest === NEVER || (alarm !== null && alarm.at <= earliest)) return;
    alarm?.cancel();
    alarm = { at: earliest, cancel: clock.at(earliest, ring) };
  }

  /** Entries left behind must not pile up, however often an item is set anew. */
  function tidyUp(): void {
    if (heap.length <= 2 * current.size + AT_ONCE) return;
    const kept = [...current.values()].toSorted((a, b) => a.at - b.at);
    heap.length = 0;
    for (const entry of kept) heap.push(entry);
  }

  return {
    set(item, at) {
      if ((current.get(item)?.at ?? NEVER) === at) return;
      if (at === NEVER) {
        current.delete(item);
      } else {
        const entry = { item, at };
        current.set(item, entry);
        push(heap, entry);
      }
      tidyUp();
      arm();
    },
    close() {
      alarm?.cancel();
      heap.length = 0;
      current.clear();
    },
  };
}

function push<Item>(heap: Entry<Item>[], entry: Entry<Item>): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (heap[above]!.at <= entry.at) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = entry;
}

function pop<Item>(heap: Entry<Item>[]): Entry<Item> {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below += 1;
    if (heap[below]!.at >= last.at) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
  return first;
}
