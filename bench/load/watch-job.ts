/** Ten thousand open watches, and writes beside them. Instants are milliseconds since 1970. */
export type WatchJob = {
  readonly server: string;
  readonly connections: number;
  /** One watch each on the first so many of the seeded customers. */
  readonly watches: number;
  /** Spends for random ones of them, in an open loop. */
  readonly writesPerSecond: number;
  readonly seconds: number;
  /** Grants that take effect one after the other while it runs: changes by time alone. */
  readonly timedChanges: number;
};

export type WatchReport = {
  /** Sent when every watch had its first message. */
  readonly opened: number;
  /** Writes that were committed. */
  readonly committed: number;
  /** From the instant a write was recorded to the message that shows it, in ms. */
  readonly afterWrites: Float64Array;
  /** Writes no message showed before the job ended. */
  readonly unseenWrites: number;
  /** From a grant's effective instant to the message that names it as its cause, in ms. */
  readonly afterInstants: Float64Array;
  readonly unseenInstants: number;
};
