/** What a handler may know about the call it answers, whatever protocol carried it. */
export type CallContext = {
  /** Aborts when the caller hangs up, the deadline passes or the server shuts down. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 after which nobody waits for the answer; absent: as long as it takes. */
  readonly deadlineMs?: number;
  /** The caller's `x-request-id`, or one made here: the handle for finding this call in the log. */
  readonly requestId: string;
  /** Name of the token that was presented; `anonymous` where none is required. */
  readonly caller: string;
};
