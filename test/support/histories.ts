import fc from 'fast-check';
import type { SettlementMode } from '../../src/credit/charge.ts';
import type { Command } from '../../src/credit/command.ts';
import type { Funding } from '../../src/credit/grant.ts';
import type { Instant } from '../../src/instant.ts';
import { aConsumption, aGrant, aVoid, external, invoice, promotional, REFERENCE_TIME } from './builders.ts';

/** Instants of a history lie on a grid this wide, so that different events often fall on the same one. */
export const GRID = 3_600_000;

/** A point of the two time axes, in grid steps before (−) or after now. */
export type Question = { readonly asOf: number; readonly knownAt: number };

/** One step of a history: the clock moves, something is asked of the book, and somebody looks at it. */
export type Step = { readonly wait: number; readonly act: Act; readonly question: Question };

type Act =
  | {
      readonly do: 'grant';
      readonly currency: string;
      readonly amount: string;
      readonly priority: number;
      readonly featureKeys: readonly string[];
      readonly funding: Funding;
      /** Grid steps from now; null: left to default. */
      readonly effective: number | null;
      /** Grid steps it lives; null: for ever. */
      readonly life: number | null;
      readonly id: number;
    }
  | {
      readonly do: 'consume';
      readonly currency: string;
      readonly amount: string;
      readonly featureKey: string | null;
      readonly mode: SettlementMode;
      readonly booked: number | null;
    }
  | { readonly do: 'void'; readonly which: number; readonly release: boolean };

/** One currency is the rule, so that facts meet; the other shows that they stay apart. */
export const CURRENCIES = ['USD', 'EUR'] as const;
const currency = fc.constantFrom('USD', 'USD', 'USD', 'USD', 'EUR');

const maybe = (steps: fc.Arbitrary<number>): fc.Arbitrary<number | null> => fc.option(steps, { freq: 3 });

const FUNDINGS: readonly Funding[] = [
  promotional(),
  promotional(),
  external('ON_CREATION'),
  external('ON_AUTHORIZATION', 'SETTLED'),
  external('ON_SETTLEMENT', 'AUTHORIZED'),
  invoice('ON_CREATION', 'ISSUED'),
  invoice('ON_CREATION'),
];

const grant: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('grant' as const),
  currency,
  amount: fc.constantFrom('1', '3', '5', '8', '2.5'),
  priority: fc.constantFrom(10, 10, 10, 5),
  featureKeys: fc.constantFrom<readonly string[]>([], [], ['a'], ['b'], ['a', 'b']),
  funding: fc.constantFrom(...FUNDINGS),
  effective: maybe(fc.integer({ min: -12, max: 6 })),
  life: maybe(fc.integer({ min: 0, max: 20 })),
  id: fc.nat(9),
});

const consume: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('consume' as const),
  currency,
  amount: fc.constantFrom('1', '2', '3', '4', '0.25'),
  featureKey: fc.constantFrom(null, null, 'a', 'a', 'b'),
  mode: fc.constantFrom<SettlementMode[]>('CREDIT_ONLY', 'CREDIT_THEN_INVOICE', 'PREPAID_ONLY'),
  booked: maybe(fc.integer({ min: -14, max: 1 })),
});

const cancel: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('void' as const),
  which: fc.nat(20),
  release: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.record({
  /** Mostly the clock stands or moves a little; sometimes far; sometimes it is set back. */
  wait: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3, 12, -2),
  act: fc.oneof(
    { arbitrary: consume, weight: 11 },
    { arbitrary: grant, weight: 8 },
    { arbitrary: cancel, weight: 1 },
  ),
  question: fc.record({ asOf: fc.integer({ min: -16, max: 16 }), knownAt: fc.integer({ min: -16, max: 0 }) }),
});

/** Histories long enough that facts meet; they shrink to the few steps that matter. */
export const history = (longest = 60): fc.Arbitrary<readonly Step[]> =>
  fc.array(step, { minLength: 1, maxLength: longest, size: 'max' });

/** The wall clock of a history as it begins. */
export const START: Instant = REFERENCE_TIME;

/** The command a step means at an instant; `number` tells its ids apart, `grants` are those there are to void. */
export function commandOf(act: Act, number: number, now: Instant, grants: readonly string[]): Command {
  const from = (steps: number | null): Instant | null => (steps === null ? null : now + steps * GRID);
  switch (act.do) {
    case 'grant': {
      const { currency: code, priority, featureKeys, funding } = act;
      const effectiveAt = from(act.effective);
      const start = effectiveAt ?? now;
      return aGrant({
        // The id is the last tie-break of the burn order: it must not follow the order of creation.
        ...{
          grantId: `g${act.id}-${number}`,
          currency: code,
          amount: act.amount,
          priority,
          featureKeys,
          funding,
        },
        effectiveAt,
        expiry: act.life === null ? { kind: 'never' } : { kind: 'at', instant: start + act.life * GRID },
      });
    }
    case 'consume': {
      const { currency: code, amount, featureKey, mode } = act;
      return aConsumption({
        chargeId: `c${number}`,
        currency: code,
        amount,
        featureKey,
        mode,
        bookedAt: from(act.booked),
      });
    }
    case 'void':
      return aVoid(
        grants[act.which % (grants.length + 1)] ?? 'g-unknown',
        act.release ? 'RELEASE_UNPAID' : 'NONE',
      );
  }
}
