import fc from 'fast-check';
import type { Instant } from '../../src/instant.ts';
import type { Caller } from './caller.ts';
import type { TestClock } from './clock.ts';
import type { Json } from './service.ts';
import { act, GRID, type Act } from './transactions-acts.ts';

/** The clock moves by grid steps, then something is asked of the book. */
type Step = { readonly wait: number; readonly act: Act };

const step: fc.Arbitrary<Step> = fc.record({ wait: fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 12), act });

/** Some histories, the same ones for a seed. */
export const histories = (count: number, length: number, seed: number): readonly (readonly Step[])[] =>
  fc.sample(fc.array(step, { minLength: length, maxLength: length }), { numRuns: count, seed });

/** What a history has come to. */
export type Lived = {
  readonly customerId: string;
  /** The instants at which something was asked, each once. */
  readonly instants: readonly Instant[];
  /** What the caller named grants and charges, by their id. */
  readonly names: ReadonlyMap<string, string>;
  /** The RPC of each request that was granted. */
  readonly granted: readonly string[];
};

/** Lives a history as a new customer. `onlooker` looks once all that is written at an instant has been written. */
export async function live(
  caller: Caller,
  time: TestClock,
  steps: readonly Step[],
  customerId: string,
  onlooker: () => Promise<void> = async () => {},
): Promise<Lived> {
  const player = playerOf(caller, customerId);
  for (const { wait, act: next } of steps) {
    if (wait > 0 && player.lived.instants.length > 0) await onlooker();
    time.now += wait * GRID;
    await player.play(next, time.now);
  }
  await onlooker();
  return player.lived;
}

function playerOf(caller: Caller, customerId: string) {
  const [grants, paid, charges, open]: [string[], string[], string[], string[]] = [[], [], [], []];
  const names = new Map<string, string>();
  const granted: string[] = [];
  const instants: Instant[] = [];
  let sent = 0;

  const remember = (rpc: string, request: Json, { grant, charge }: Json) => {
    granted.push(rpc);
    if (grant !== undefined && !names.has(grant.id)) {
      grants.push(grant.id);
      if (request['funding'] !== undefined) paid.push(grant.id);
    }
    if (charge !== undefined && !names.has(charge.id)) {
      charges.push(charge.id);
      if (rpc === 'CreateCharge') open.push(charge.id);
    }
    for (const one of [grant, charge]) if (one !== undefined) names.set(one.id, one.name);
  };

  return {
    lived: { customerId, instants, names, granted } satisfies Lived,
    async play({ rpc, request }: Act, now: Instant): Promise<void> {
      const asked = { customerId, ...request({ now, sent, grants, paid, charges, open }) };
      const result = await caller.result(rpc, asked);
      sent += 1;
      if (instants.at(-1) !== now) instants.push(now);
      if (result.ok) remember(rpc, asked, result.answer);
      else if (!REFUSALS.has(result.error.code)) {
        throw new Error(`${rpc} ${JSON.stringify(asked)}: ${result.error.code} ${result.error.message}`);
      }
    },
  };
}

/** What a request may well be told; anything else is a fault. */
const REFUSALS = new Set(['FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'NOT_FOUND']);
