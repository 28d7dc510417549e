import type { Actor } from '../actor.ts';
import type { AnswerOf, Command } from '../credit/command.ts';
import type { BookState } from '../credit/book-state.ts';
import type { Instant } from '../instant.ts';
import type { Appended } from '../ledger/journal.ts';
import type { BookKey } from '../tables/book-key.ts';

/** A decided write as its answer sees it. */
export type Decided<C extends Command> = {
  readonly answer: AnswerOf<C>;
  /** False for a success that changes nothing and takes no version. */
  readonly changed: boolean;
  /** The book at the write's instant (its clock), as the write left it or, where it changed nothing, found it. */
  readonly state: BookState;
  readonly version: number;
  readonly recordedAt: Instant;
  /** What it adds to the journal. */
  readonly appended: Appended;
  /** Who makes the version; null: nobody does, it is a dry run. */
  readonly actor: Actor | null;
  /** Who made a grant or a charge that the answer is about. */
  makerOf(id: string): Actor | null;
};

/**
 * How a write is answered now and when it is repeated. The write path keeps the bytes of the request and of the first
 * answer without knowing what is in them.
 */
export type Reply<C extends Command, Message> = {
  respond(decided: Decided<C>): Message;
  encode(message: Message): Uint8Array;
  /** The stored first answer, marked as replayed. */
  replay(stored: Uint8Array): Message;
};

/** One write asked for: a command for one book, with what makes repeating it safe. */
export type Submission<C extends Command = Command, Message = unknown> = {
  readonly key: BookKey;
  readonly command: C;
  /** Who makes the version it takes; a repeat leaves that of the first. */
  readonly actor: Actor;
  /** Null: the caller sent none, and a repeat is a new write. */
  readonly idempotencyKey: string | null;
  /** The request's content, without key and addressee: what a repeat is compared with. */
  content(): Uint8Array;
  /** The first field in which another request's stored content differs from this one's; null if none does. */
  differsFrom(stored: Uint8Array): string | null;
  readonly reply: Reply<C, Message>;
  /** When the caller stops waiting, in the clock's monotonic milliseconds; Infinity: never. */
  readonly deadline: number;
  /** Aborts when nobody waits for the answer any more: what is not begun by then never is. Absent: somebody always does. */
  readonly signal?: AbortSignal;
};
