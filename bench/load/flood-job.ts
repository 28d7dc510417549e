import type { Pace } from './job.ts';

/** More calls than a service can answer, for some seconds. Plain data: it travels between processes. */

export type FloodJob = {
  readonly server: string;
  readonly connections: number;
  readonly calls:
    | { readonly kind: 'spend' | 'balance'; readonly customers: number }
    | { readonly kind: 'spendBatch'; readonly customers: number; readonly size: number };
  readonly pace: Pace;
  readonly seconds: number;
  /** After this long a caller gives up, and says so with its call; null: it waits as long as it takes. */
  readonly deadlineMs: number | null;
};

/** What became of the calls. */
export type FloodReport = {
  /** How long calls fell due. */
  readonly seconds: number;
  /** Calls that fell due. */
  readonly due: number;
  /** Calls the service let the caller send: it says how many may be open on a connection, and reads as fast as it likes. */
  readonly sent: number;
  /** Calls answered with a message while others still fell due, and before their callers gave up. */
  readonly answered: number;
  /** Of what they asked for, things that were done: calls, or the items of batches. */
  readonly done: number;
  /** Calls refused: ended without a message. */
  readonly refused: number;
  /** Calls whose caller gave up first, sent or not. */
  readonly givenUp: number;
  /** From when a call was sent until it was refused, in ms. */
  readonly refusedAfterMs: Float64Array;
  /** From when a call was sent until it was answered, in ms. */
  readonly doneAfterMs: Float64Array;
};
