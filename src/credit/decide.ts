import type { Instant } from '../instant.ts';
import { advance } from './advance-to.ts';
import { open, seal, type BookState, type Outcome, type Work } from './book-state.ts';
import { specOf, type AnswerOf, type Command } from './command.ts';

/** An outcome with the caller's answer; `changed` is false for a success that changes nothing and takes no version. */
export type Decision<C extends Command = Command> = Outcome & {
  readonly answer: AnswerOf<C>;
  readonly changed: boolean;
  /** The book at now, for the answer: where nothing changed too, although what has fallen due waits for the next write. */
  readonly seen: BookState;
};

/**
 * Decides one command at `now` (not before the book's clock): first books what has fallen due, then turns the command
 * into facts. What it says happened up to `leeway` milliseconds ahead of now happened now. Pure: the state given is left
 * as it was. Throws a RefusalError when the command is refused.
 */
export function decide<C extends Command>(
  state: BookState,
  command: C,
  now: Instant,
  leeway = 0,
): Decision<C> {
  const work = open(state);
  advance(work, now);
  // Booking what is due changes something by itself only where that was the wish.
  const before = command.kind === 'bookDue' ? from(state) : asItStands(state, work);
  const answer = specOf(command).decide(work, command, now, leeway);
  const changed = differs(before, work);
  // What has fallen due stays due: a success that changes nothing takes no version to book it under.
  const outcome = seal(work, changed ? work.version : state.version);
  return { ...(changed ? outcome : unchanged(state)), answer, changed, seen: outcome.state };
}

/** What a command may change, as it was before. */
type Before = Pick<BookState, 'grants' | 'charges'> & { readonly postings: number };

const from = ({ grants, charges }: BookState): Before => ({ grants, charges, postings: 0 });

/** The work as it stands. Copied only where it has come further than the state: the usual write finds nothing due. */
function asItStands(state: BookState, work: Work): Before {
  const before = from(state);
  if (!differs(before, work)) return before;
  return { grants: new Map(work.grants), charges: new Map(work.charges), postings: work.postings.length };
}

const differs = (before: Before, work: Work): boolean =>
  work.postings.length > before.postings ||
  holdsOthers(before.grants, work.grants) ||
  holdsOthers(before.charges, work.charges);

/** Facts are replaced, never changed in place, so another object is another fact. */
function holdsOthers(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): boolean {
  if (before.size !== after.size) return true;
  for (const [id, fact] of after) if (before.get(id) !== fact) return true;
  return false;
}

const unchanged = (state: BookState): Outcome => ({ state, postings: [], reductions: [] });
