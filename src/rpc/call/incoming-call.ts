/** What the middleware needs to know about a call, so that it need not know which transport has it. */
export type IncomingCall = {
  readonly protocol: 'grpc' | 'grpc-web' | 'connect';
  /** The deadline the caller asked for, in milliseconds since 1970. */
  readonly deadlineMs: number | undefined;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /**
   * Calls back at most once, and never at once, when nobody will read the answer any more: the caller
   * has `left`, or it is too `late`, as transports watch the deadline too.
   */
  onHangUp(listener: (why: 'left' | 'late') => void): void;
};
