import type { Instant } from '../instant.ts';
import { advance } from './advance-to.ts';
import { open, seal, type BookState, type Outcome, type Work } from './book-state.ts';
import { refuseBeyond, UNBOUNDED } from './bounds.ts';
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
 * into facts. What it says happened up to `leeway` milliseconds ahead of now happened now; what it leaves open, there may be
 * no more of than `bounds` say. Pure: the state given is left as it was. Throws a RefusalError when the command is refused.
 */
export function decide<C extends Command>(
  state: BookState,
  command: C,
  now: Instant,
  leeway = 0,
  bounds = UNBOUNDED,
): Decision<C> {
  const work = open(state);
  advance(work, now);
  // Booking what is due changes something by itself only where that was the wish.
  const before = asItStands(command.kind === 'bookDue' ? open(state) : work);
  const { opens, ...spec } = specOf(command);
  const answer = spec.decide(work, command, now, leeway);
  if (opens !== undefined) refuseBeyond(opens, before, work, bounds);
  const changed = differs(before, work);
  // What has fallen due stays due: a success that changes nothing takes no version to book it under.
  const outcome = seal(work, changed ? work.version : state.version);
  if (!changed) return { ...unchanged(state), answer, changed, seen: outcome.state };
  const { state: seen, postings, reductions } = outcome;
  return { state: seen, postings, reductions, answer, changed, seen };
}

/** What a command may change. */
const asItStands = ({ grants, charges, postings }: Work) => ({ grants, charges, booked: postings.length });

/** Facts and their collections are replaced, never changed in place, so another object is another content. */
const differs = (before: ReturnType<typeof asItStands>, work: Work): boolean =>
  work.postings.length > before.booked || work.grants !== before.grants || work.charges !== before.charges;

const unchanged = (state: BookState): Outcome => ({ state, postings: [], reductions: [] });
