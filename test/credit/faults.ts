import { sumAmounts } from '../../src/amount.ts';
import type { BookState } from '../../src/credit/book-state.ts';
import { specOf, type Command } from '../../src/credit/command.ts';
import { advanceTo } from '../../src/credit/advance-to.ts';
import { decide, type Decision } from '../../src/credit/decide.ts';
import type { Grant } from '../../src/credit/grant.ts';
import { advancesOf, chargesOf, grantsOf } from '../../src/credit/pools.ts';
import { later, type Instant } from '../../src/instant.ts';
import type { Posting } from '../../src/ledger/posting.ts';
import { PersistentMap } from '../../src/persistent-map.ts';
import { CORE, type Core } from './journal.ts';

/** Cores with one thing wrong each: what a property that could not fail would let through. */
export const FAULTS_OF_SPENDING: Readonly<Record<string, Core>> = {
  'spends at a past instant what others have taken since': {
    ...CORE,
    decide: (state, command, now) =>
      decide(
        mapGrants(state, (grant) =>
          asIfNothingCame(grant, specOf(command).needs(command).historySince ?? now),
        ),
        command,
        now,
      ),
  },
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
  'books late consumption now': asked((command, now) =>
    command.kind === 'consume' && command.bookedAt !== null
      ? { ...command, bookedAt: later(command.bookedAt, now) }
      : command,
  ),
  'forgets the debts of the past': given((state) => ({ ...state, advances: advancesOf() })),
  'cannot look ahead': { ...CORE, advanceTo: (state) => advanceTo(state, state.clock) },
};

/** Works on the very state it was given instead of a copy. */
export const CHANGES_WHAT_IT_IS_GIVEN: Core = {
  ...CORE,
  decide: (state, command, now) => {
    const decision = decide(state, command, now);
    return Object.assign(state, { grants: decision.state.grants }) && decision;
  },
};

/** And those only the other commands bring to light. */
export const FAULTS_OF_EVERYTHING: Readonly<Record<string, Core>> = {
  'forgets when credit came back, so it pays for what happened before': given((state) =>
    mapGrants(state, (grant) => ({ ...grant, moves: [] })),
  ),
  'burns late by the times of today': given((state) =>
    mapGrants(state, (grant) => ({ ...grant, formerTimes: [] })),
  ),
  'takes every payment for one of now': asked((command) =>
    command.kind === 'updateSettlement' ? { ...command, occurredAt: null } : command,
  ),
  'heeds a usage report that came too late': asked((command) =>
    command.kind === 'updateCharge' ? { ...command, sequence: null } : command,
  ),
  'lets no hold expire': asked((command) =>
    command.kind === 'createCharge' ? { ...command, holdExpiresAt: null } : command,
  ),
  'lets charges weigh before their start': asked((command) =>
    command.kind === 'createCharge' ? { ...command, startsAt: null } : command,
  ),
  'forgets the charges that are open': given((state) => ({
    ...state,
    charges: chargesOf([...state.charges.values()].filter(({ status }) => status !== 'OPEN')),
  })),
  'earns on what was given back': given((state) => ({
    ...state,
    allocations: PersistentMap.of(
      [...state.allocations].map(([key, slice]) => [key, { ...slice, returned: 0n }]),
    ),
  })),
  'earns twice on the same consumption': given((state) => ({
    ...state,
    allocations: PersistentMap.of(
      [...state.allocations].map(([key, slice]) => [key, { ...slice, recognized: 0n }]),
    ),
  })),
  'gives credit back, but to no advance that waits for it': {
    ...CORE,
    decide: ((state: BookState, command: Command, now: Instant) => {
      const hidden =
        command.kind === 'correctCharge' ? withoutAdvancesOfOthers(state, command.chargeId) : state;
      return decide(hidden, command, now);
    }) as Core['decide'],
  },
};

const withoutAdvancesOfOthers = (state: BookState, chargeId: string): BookState => ({
  ...state,
  advances: advancesOf([...state.advances.values()].filter((advance) => advance.chargeId === chargeId)),
});

function given(forget: (state: BookState) => BookState): Core {
  return { ...CORE, decide: (state, command, now) => decide(forget(state), command, now) };
}

function asked(misread: (command: Command, now: Instant) => Command): Core {
  return {
    ...CORE,
    decide: ((state: BookState, command: Command, now: number) =>
      decide(state, misread(command, now), now)) as Core['decide'],
  };
}

function booking(misbook: (posting: Posting, state: BookState) => readonly Posting[]): Core {
  const wrong = <D extends Decision>(decision: D): D => ({
    ...decision,
    postings: decision.postings.flatMap((posting) => misbook(posting, decision.state)),
  });
  return { ...CORE, decide: (state, command, now) => wrong(decide(state, command, now)) };
}

/** A grant of which nobody has taken anything since an instant. */
function asIfNothingCame(grant: Grant, since: Instant): Grant {
  const taken = sumAmounts(grant.moves.filter((move) => move.at > since).map((move) => -move.delta));
  return {
    ...grant,
    remaining: grant.remaining + taken,
    moves: grant.moves.filter((move) => move.at <= since),
  };
}

const mapGrants = (state: BookState, change: (grant: Grant) => Grant): BookState => ({
  ...state,
  grants: grantsOf([...state.grants.values()].map(change)),
});

const keepGrants = (state: BookState, kept: (grant: Grant) => boolean): BookState => ({
  ...state,
  grants: grantsOf([...state.grants.values()].filter(kept)),
});
