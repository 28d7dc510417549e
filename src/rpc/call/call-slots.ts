import type { Clock } from '../../db/clock.ts';
import type { Log } from '../../log.ts';
import { RefusalError } from '../../refusal.ts';
import { changesNothing, type MountedRpc } from './mounted-service.ts';

/**
 * How many calls a process works on at once. A call takes its slot by its head alone, before any of its body is read or
 * decoded, and keeps it until its transport is done with it. What finds none waits if its caller is patient, and is turned
 * away for next to nothing if not: to refuse takes a tenth of what to answer takes, so a crowd that can wait is not refused.
 *
 * A connection may have as many slots as are left: one alone gets half of all, n get 1/(n + 1) each, and as much stays
 * for whoever comes next. So one caller's crowd leaves room for others, and nobody has to say beforehand how many there
 * will be. Streams have slots of their own (live/stream-slots.ts); health and reflection never wait.
 */
export type CallSlots = {
  /**
   * Begins the call, at once or when a slot is free; or refuses it at once with OVERLOADED. Gives what is to be called when
   * the call is over, however it ends: answered, refused, or left by its caller, begun or not.
   */
  enter(rpc: MountedRpc, head: EnteringCall): () => void;
  /** How many are taken, how many calls wait for one, and how many there are. */
  counts(): { readonly taken: number; readonly waiting: number; readonly limit: number };
};

/** A call as it stands at the entrance. */
export type EnteringCall = {
  /** Whose share of the slots it takes. */
  readonly connection: object;
  /** When its caller stops waiting, in the clock's monotonic milliseconds; Infinity: never. */
  readonly deadlineMs: number;
  begin(): void;
  /** The same refusal is given again and again, so that what it looks like on the wire is made once. */
  refuse(refusal: RefusalError): void;
};

export type CallSlotsOptions = {
  /** The most calls that are worked on. */
  readonly limit: number;
  /** Whether one more write would be done by a deadline, as it looks now. */
  readonly writesInTime: (deadlineMs: number) => boolean;
  readonly log: Log;
  readonly clock: Clock;
  /** Told of each call that gets no slot. */
  readonly onTurnedAway?: ((name: string, reason: string) => void) | undefined;
};

/** Whoever gives a call at least this long may be kept waiting for its slot. */
const PATIENT_MS = 5_000;

/** So many times as many may wait as are worked on: of these nothing is kept but their heads. */
const WAITING = 4;

/** One line for all that were turned away meanwhile: a line for each would cost as much as the refusal. */
const TELL_EVERY_MS = 1_000;

export function createCallSlots(options: CallSlotsOptions): CallSlots {
  const { limit, writesInTime, log, clock, onTurnedAway } = options;
  const overloaded = (why: string) =>
    new RefusalError({
      reason: 'OVERLOADED',
      message: `${why}; nothing was done`,
      metadata: { limit: String(limit) },
    });
  const full = overloaded(`this instance works on ${limit} calls at once and has no slot for another`);
  const late = overloaded(
    'so many writes already wait that this one would find no place or miss its deadline',
  );
  const shares = createShares(limit);
  let turnedAway = 0;

  function turnAway({ name }: MountedRpc, call: EnteringCall, refusal: RefusalError): () => void {
    onTurnedAway?.(name, refusal.refusal.reason);
    turnedAway += 1;
    if (turnedAway === 1) {
      clock.after(TELL_EVERY_MS, () => {
        log.warn({ turnedAway, limit }, 'more calls came than can be worked on');
        turnedAway = 0;
      });
    }
    call.refuse(refusal);
    return nothing;
  }

  return {
    enter(rpc, call) {
      if (rpc.kind !== 'unary' || rpc.right === null) {
        call.begin();
        return nothing;
      }
      if (!changesNothing(rpc) && !writesInTime(call.deadlineMs)) return turnAway(rpc, call, late);
      const share = shares.of(call.connection);
      if (shares.mayTake(share)) shares.begin(share, call);
      else if (call.deadlineMs - clock.monotonic() >= PATIENT_MS && shares.mayWait())
        shares.wait(share, call);
      else return turnAway(rpc, call, full);
      let over = false;
      return () => {
        if (over) return;
        over = true;
        shares.leave(share, call);
      };
    },
    counts: () => ({ ...shares.counts(), limit }),
  };
}

const nothing = (): void => undefined;

/** What one connection has: slots, and calls that wait for one in order of arrival. */
type Share = { taken: number; readonly waiting: Set<EnteringCall> };

/** How the slots are shared by the connections. */
function createShares(limit: number) {
  const shares = new WeakMap<object, Share>();
  /** Of the connections with calls that wait; whose turn it is stands first. */
  const turns = new Set<Share>();
  const count = { taken: 0, waiting: 0 };
  const isBelowItsShare = ({ taken }: Share) => taken < limit - count.taken;

  function begin(share: Share, call: EnteringCall): void {
    share.taken += 1;
    count.taken += 1;
    call.begin();
  }

  function forget(share: Share, call: EnteringCall): boolean {
    if (!share.waiting.delete(call)) return false;
    count.waiting -= 1;
    if (share.waiting.size === 0) turns.delete(share);
    return true;
  }

  /** Begins the call whose turn it is of those whose connection may have another slot. */
  function beginNext(): void {
    for (const share of turns) {
      if (!isBelowItsShare(share)) continue;
      const [call] = share.waiting;
      forget(share, call!);
      // The others have their turn first.
      if (turns.delete(share)) turns.add(share);
      return begin(share, call!);
    }
  }

  return {
    of(connection: object): Share {
      const known = shares.get(connection);
      if (known !== undefined) return known;
      const share: Share = { taken: 0, waiting: new Set() };
      shares.set(connection, share);
      return share;
    },
    counts: () => count,
    mayTake: (share: Share): boolean => share.waiting.size === 0 && isBelowItsShare(share),
    begin,
    mayWait: (): boolean => count.waiting < WAITING * limit,
    wait(share: Share, call: EnteringCall): void {
      share.waiting.add(call);
      turns.add(share);
      count.waiting += 1;
    },
    leave(share: Share, call: EnteringCall): void {
      if (forget(share, call)) return;
      share.taken -= 1;
      count.taken -= 1;
      if (turns.size > 0) beginNext();
    },
  };
}
