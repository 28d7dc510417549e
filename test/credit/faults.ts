import type { BookState } from '../../src/credit/book-state.ts';
import type { Command } from '../../src/credit/command.ts';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { decide, type Decision } from '../../src/credit/decide.ts';
import type { Grant } from '../../src/credit/grant.ts';
import type { Posting } from '../../src/ledger/posting.ts';
import { CORE, type Core } from './journal.ts';

/** Cores with one thing wrong each: what a property that could not fail would let through. */
export const FAULTS: Readonly<Record<string, Core>> = {
  'forgets what was taken since, so late bookings spend twice': given((state) =>
    mapGrants(state, (grant) => ({ ...grant, moves: [] })),
  ),
  'does not load grants that have expired since': given((state) =>
    keepGrants(state, (grant) => grant.phase !== 'EXPIRED'),
  ),
  'lets what waits for funding expire unseen': given((state) =>
    keepGrants(state, (grant) => grant.fundedAt < Infinity),
  ),
  'does not undo the expiry of credit a late booking takes': booking((posting) =>
    posting.kind === 'EXPIRE_UNDONE' ? [] : [posting],
  ),
  'covers advances at now, not at the instant credit met debt': booking((posting, { clock }) =>
    posting.kind === 'COVER' ? [{ ...posting, bookedAt: clock }] : [posting],
  ),
  'books activations when they are found': booking((posting, { clock }) =>
    posting.kind === 'ISSUE' ? [{ ...posting, bookedAt: clock }] : [posting],
  ),
  'keeps expired credit': booking((posting) => (posting.kind === 'EXPIRE' ? [] : [posting])),
  'ignores the priority of a grant': asked((command) =>
    command.kind === 'createGrant' ? { ...command, priority: 10 } : command,
  ),
  'ignores feature keys of a grant': asked((command) =>
    command.kind === 'createGrant' ? { ...command, featureKeys: [] } : command,
  ),
  'books late consumption now': asked((command) =>
    command.kind === 'consume' ? { ...command, bookedAt: null } : command,
  ),
  'forgets the debts of the past': given((state) => ({ ...state, advances: new Map() })),
  'changes the state it was given': {
    ...CORE,
    decide: (state, command, now) => {
      const decision = decide(state, command, now);
      for (const grant of decision.state.grants.values())
        (state.grants as Map<string, Grant>).set(grant.id, grant);
      return decision;
    },
  },
  'cannot look ahead': { ...CORE, advanceTo: (state) => advanceTo(state, state.clock) },
};

function given(forget: (state: BookState) => BookState): Core {
  return { ...CORE, decide: (state, command, now) => decide(forget(state), command, now) };
}

function asked(misread: (command: Command) => Command): Core {
  return {
    ...CORE,
    decide: ((state: BookState, command: Command, now: number) =>
      decide(state, misread(command), now)) as Core['decide'],
  };
}

function booking(misbook: (posting: Posting, state: BookState) => readonly Posting[]): Core {
  const wrong = <D extends Decision>(decision: D): D => ({
    ...decision,
    postings: decision.postings.flatMap((posting) => misbook(posting, decision.state)),
  });
  return { ...CORE, decide: (state, command, now) => wrong(decide(state, command, now)) };
}

const mapGrants = (state: BookState, change: (grant: Grant) => Grant): BookState => ({
  ...state,
  grants: new Map([...state.grants].map(([id, grant]) => [id, change(grant)])),
});

const keepGrants = (state: BookState, kept: (grant: Grant) => boolean): BookState => ({
  ...state,
  grants: new Map([...state.grants].filter(([, grant]) => kept(grant))),
});
