import fc from 'fast-check';
import type { Command } from '../../src/credit/command.ts';
import type { Instant } from '../../src/instant.ts';
import type { Caller } from './caller.ts';
import { commandOf, fullHistory, GRID, type Step } from './histories.ts';
import { requestFor } from './requests.ts';
import type { TestClock } from './clock.ts';
import type { CallResult } from './service.ts';

/** One step of a random history as the service has answered it. */
export type PlayedStep = {
  /** With the ids that the service has given. */
  readonly command: Command;
  readonly result: CallResult;
  /** Now, in the book: the later of the clock and its last recorded_at. */
  readonly now: Instant;
  readonly step: Step;
};

/** Random histories of every command, long enough for facts to meet; the same for the same seed. */
export const longHistories = (count: number, seed: number): readonly (readonly Step[])[] =>
  fc.sample(
    fullHistory(70).filter((steps) => steps.length >= 40),
    { numRuns: count, seed },
  );

/** Somebody who lives one customer's random history against the service; the clock is moved by others. */
export function playerOf(caller: Caller, time: TestClock, customerId: string) {
  // A history names what it makes before the service does; these are its names, and what the service made of them.
  const made: Record<'grants' | 'charges', string[]> = { grants: [], charges: [] };
  const given = new Map<string, string>();
  let number = 0;
  let last = -Infinity;
  return async (step: Step): Promise<PlayedStep> => {
    const now = Math.max(time.now, last);
    number += 1;
    const asked = commandOf(step.act, number, now, made.grants, made.charges);
    const { rpc, request } = requestFor(renamed(asked, given), customerId);
    const result = await caller.result(rpc, request);
    if (result.ok) {
      last = Date.parse(result.answer['recordedAt']);
      const { grant, charge } = result.answer;
      if (asked.kind === 'createGrant' || asked.kind === 'adjustUp') {
        made.grants.push(asked.grantId);
        given.set(asked.grantId, grant.id);
      }
      if (asked.kind === 'consume' || asked.kind === 'createCharge') {
        made.charges.push(asked.chargeId);
        given.set(asked.chargeId, charge.id);
      }
    }
    return { command: renamed(asked, given), result, now, step };
  };
}

/** Plays a whole history, moving the clock by hand. `onlooker` is called after every step. */
export async function playThrough(
  caller: Caller,
  time: TestClock,
  steps: readonly Step[],
  customerId: string,
  onlooker: (played: PlayedStep) => Promise<void> | void = () => {},
): Promise<void> {
  const play = playerOf(caller, time, customerId);
  for (const step of steps) {
    time.now += step.wait * GRID;
    await onlooker(await play(step));
  }
}

/** A command that says ids as the service has given them. */
const renamed = (command: Command, given: ReadonlyMap<string, string>): Command => ({
  ...command,
  ...('grantId' in command && { grantId: given.get(command.grantId) ?? command.grantId }),
  ...('chargeId' in command && { chargeId: given.get(command.chargeId) ?? command.chargeId }),
});
