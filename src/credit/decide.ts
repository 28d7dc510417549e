import type { Instant } from '../instant.ts';
import { refuse } from '../refusal.ts';
import { advance } from './advance-to.ts';
import { open, seal, type BookState, type Outcome, type Work } from './book-state.ts';
import type { AnswerOf, Command } from './command.ts';
import { consume } from './consume.ts';
import { createGrant } from './create-grant.ts';
import { voidGrant } from './void-grant.ts';

/** An outcome with the caller's answer; `changed` is false for a success that changes nothing and takes no version. */
export type Decision<C extends Command = Command> = Outcome & {
  readonly answer: AnswerOf<C>;
  readonly changed: boolean;
};

/**
 * Decides one command at `now` (not before the book's clock): first books what has fallen due, then turns the command
 * into facts. Pure: the state given is left as it was. Throws a RefusalError when the command is refused.
 */
export function decide<C extends Command>(state: BookState, command: C, now: Instant): Decision<C> {
  const work = open(state);
  advance(work, now);
  const dued = new Map(work.grants);
  const answer = act(work, command, now) as AnswerOf<C>;
  const changed =
    command.kind !== 'voidGrant' || dued.get(command.grantId) !== work.grants.get(command.grantId);
  if (!changed) return { ...unchanged(state), answer, changed };
  return { ...seal(work, work.version), answer, changed };
}

function act(work: Work, command: Command, now: Instant): AnswerOf<Command> {
  switch (command.kind) {
    case 'createGrant':
      return { currency: command.currency, grant: createGrant(work, command, now) };
    case 'voidGrant': {
      if (!work.grants.has(command.grantId)) return notFound(command.grantId);
      const grant = voidGrant(work, command, now);
      return { currency: grant.currency, grant };
    }
    case 'consume':
      return { currency: command.currency, ...consume(work, command, now) };
  }
}

const unchanged = (state: BookState): Outcome => ({ state, postings: [], allocations: [] });

const notFound = (grantId: string): never =>
  refuse('GRANT_NOT_FOUND', `this customer has no grant ${grantId}`, { id: grantId });
