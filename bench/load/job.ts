/** What a load process is told to do, and what it says it did. Plain data: it travels between processes. */

/** The calls to make. `servers` are taken in turn, call by call. */
export type Calls =
  | {
      readonly kind: 'spend';
      readonly servers: readonly string[];
      /** The first so many of the seeded customers are spent for, at random. */
      readonly customers: number;
    }
  | {
      readonly kind: 'spendBatch';
      readonly servers: readonly string[];
      readonly customers: number;
      /** Spends in one call. */
      readonly size: number;
    }
  | {
      readonly kind: 'balance';
      readonly servers: readonly string[];
      /** One is asked about after the other; each has samples of its own, under its name. */
      readonly asked: readonly BalanceAsked[];
    }
  | {
      readonly kind: 'balanceBatch';
      readonly servers: readonly string[];
      readonly customers: number;
      /** Customers in one call. */
      readonly size: number;
    }
  /** Transactions straight on the database, without a service: see bench/baselines. */
  | {
      readonly kind: 'bareBatch';
      readonly databaseUrl: string;
      readonly customers: number;
      readonly size: number;
    }
  | { readonly kind: 'oneTransaction'; readonly databaseUrl: string; readonly customers: number };

export type BalanceAsked = {
  readonly series: string;
  /** These customers at random: `prefix` and a number below `count`. */
  readonly prefix: string;
  readonly count: number;
  /** At a random instant within `[from, to)`; null: now. */
  readonly between: readonly [from: number, to: number] | null;
  /**
   * What about that instant: the balance, as known now or then; the 100 rows before it; the two hours after it. Or how
   * the balance moved through all of `between`.
   */
  readonly about: 'balance' | 'balance known then' | 'rows' | 'timeline' | 'whole timeline';
  /** Names of parts; empty: all. */
  readonly parts: readonly ('SETTLED' | 'LIVE' | 'PENDING')[];
};

/**
 * `closed`: so many calls under way at any time, one begins when another ends: finds out how much fits. `open`: calls
 * begin at instants fixed beforehand, whatever became of the earlier ones, and their latency counts from that instant,
 * so a stall is felt by every call that was due in it.
 */
export type Pace =
  | { readonly kind: 'closed'; readonly inFlight: number }
  | { readonly kind: 'open'; readonly perSecond: number };

export type Job = {
  readonly calls: Calls;
  readonly pace: Pace;
  /** Nothing of these first seconds is counted. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** HTTP/2 connections, or connections to the database. */
  readonly connections: number;
  /** After this long a caller stops waiting, and says so with its call. */
  readonly deadlineMs: number;
};

export type Report = {
  /** How long was counted. */
  readonly seconds: number;
  /** Things asked for that succeeded: calls, or their items. */
  readonly done: number;
  /** Things refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** The same as `done`, from the first call to the last: what CPU used meanwhile is divided by. */
  readonly doneInAll: number;
  /** Calls begun while it was counted. */
  readonly begun: number;
  /** Milliseconds each call took that succeeded wholly, in the order they ended, by series. */
  readonly latencies: Readonly<Record<string, Float64Array>>;
  /** The same of calls of which anything was refused, by the first reason. */
  readonly refusals: Readonly<Record<string, Float64Array>>;
};
