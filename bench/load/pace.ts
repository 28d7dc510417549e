import type { Caller } from './calls.ts';
import type { Pace } from './job.ts';

/** Told of a call when it ends; `startedMs` is when it was due, on the clock of `performance.now()`. */
export type Ended = (call: {
  readonly series: string;
  readonly startedMs: number;
  readonly done: number;
  readonly refused: readonly string[];
}) => void;

/** Makes calls until `untilMs`, and resolves when the last has ended. Tells `begun` of each when it is due. */
export function keepPace(
  pace: Pace,
  caller: Caller,
  untilMs: number,
  begun: (dueMs: number) => void,
  ended: Ended,
): Promise<void> {
  const call = async (dueMs: number) => {
    begun(dueMs);
    const { series, perform } = caller.next();
    ended({ series, startedMs: dueMs, ...(await perform()) });
  };
  return pace.kind === 'closed'
    ? closedLoop(pace.inFlight, untilMs, call)
    : openLoop(pace.perSecond, untilMs, call);
}

type Call = (dueMs: number) => Promise<void>;

async function closedLoop(inFlight: number, untilMs: number, call: Call): Promise<void> {
  const lane = async () => {
    while (performance.now() < untilMs) await call(performance.now());
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** How often the pacer looks what is due. What this delays a call is part of its latency: the timer is no friend of ours. */
const TICK_MS = 1;

function openLoop(perSecond: number, untilMs: number, call: Call): Promise<void> {
  const beganMs = performance.now();
  const everyMs = 1000 / perSecond;
  return new Promise((resolve, reject) => {
    const underWay = new Set<Promise<void>>();
    let next = 0;
    const timer = setInterval(() => {
      const nowMs = Math.min(performance.now(), untilMs);
      for (let dueMs = beganMs + next * everyMs; dueMs < nowMs; dueMs = beganMs + next * everyMs) {
        next += 1;
        const one = call(dueMs).finally(() => underWay.delete(one));
        one.catch(reject);
        underWay.add(one);
      }
      if (performance.now() < untilMs) return;
      clearInterval(timer);
      Promise.all(underWay).then(() => resolve(), reject);
    }, TICK_MS);
  });
}
