import fc from 'fast-check';
import type { SettlementMode } from '../../src/credit/charge.ts';
import type { Instant } from '../../src/instant.ts';
import {
  commandOf,
  GRID,
  type Act,
  type AdjustAct,
  type ChangeGrantAct,
  type ChargeAct,
  type ConsumeAct,
  type GrantAct,
  type LedgerAct,
  type VoidAct,
} from './acts.ts';
import { external, invoice, promotional, REFERENCE_TIME, type Paid } from './builders.ts';

export { commandOf, GRID };

/** A point of the two time axes, in grid steps before (−) or after now. */
export type Question = { readonly asOf: number; readonly knownAt: number };

/** One step of a history: the clock moves, something is asked of the book, and somebody looks at it. */
export type Step = { readonly wait: number; readonly act: Act; readonly question: Question };

/** The wall clock of a history as it begins. */
export const START: Instant = REFERENCE_TIME;

/** One currency is the rule, so that facts meet; the other shows that they stay apart. */
export const CURRENCIES = ['USD', 'EUR'] as const;
const currency = fc.constantFrom('USD', 'USD', 'USD', 'USD', 'EUR');

/** A value, or null one time in `freq`. */
const maybe = <T>(value: fc.Arbitrary<T>, freq = 4): fc.Arbitrary<T | null> => fc.option(value, { freq });

const FUNDINGS: readonly Paid[] = [
  promotional(),
  promotional(),
  external('ON_CREATION'),
  external('ON_AUTHORIZATION', 'SETTLED'),
  external('ON_SETTLEMENT', 'AUTHORIZED'),
  invoice('ON_CREATION', 'ISSUED'),
  invoice('ON_CREATION'),
];

const amount = fc.constantFrom('1', '2', '3', '4', '0.25');
const featureKey = fc.constantFrom(null, null, 'a', 'a', 'b');
const featureKeys = fc.constantFrom<readonly string[]>([], [], ['a'], ['b'], ['a', 'b']);
const mode = fc.constantFrom<SettlementMode[]>('CREDIT_ONLY', 'CREDIT_THEN_INVOICE', 'PREPAID_ONLY');
const which = fc.nat(9);
/** An instant that must not lie ahead; now and then it does. */
const past = maybe(fc.integer({ min: -14, max: 1 }));

const grant: fc.Arbitrary<GrantAct> = fc.record({
  do: fc.constant('grant' as const),
  currency,
  amount: fc.constantFrom('1', '3', '5', '8', '2.5'),
  priority: fc.constantFrom(10, 10, 10, 5),
  featureKeys,
  paid: fc.constantFrom(...FUNDINGS),
  effective: maybe(fc.integer({ min: -12, max: 6 })),
  life: maybe(fc.integer({ min: 0, max: 20 })),
  id: fc.nat(9),
});

const consume: fc.Arbitrary<ConsumeAct> = fc.record({
  do: fc.constant('consume' as const),
  currency,
  amount,
  featureKey,
  mode,
  booked: past,
});

const cancelGrant: fc.Arbitrary<VoidAct> = fc.record({
  do: fc.constant('void' as const),
  which: fc.nat(20),
  release: fc.boolean(),
});

const reschedule: fc.Arbitrary<ChangeGrantAct> = fc.record({
  do: fc.constant('reschedule' as const),
  which,
  effective: maybe(fc.integer({ min: -1, max: 6 }), 2),
  expires: maybe(fc.integer({ min: -3, max: 20 }), 3),
});

const pay: fc.Arbitrary<ChangeGrantAct> = fc.record({
  do: fc.constant('pay' as const),
  which,
  occurred: past,
  status: fc.constantFrom('ISSUED', 'AUTHORIZED', 'SETTLED', 'SETTLED', 'FAILED'),
});

const charge: fc.Arbitrary<ChargeAct> = fc.record({
  do: fc.constant('charge' as const),
  currency,
  amount: fc.constantFrom('2', '4', '7'),
  featureKey,
  mode,
  type: fc.constantFrom('FLAT_FEE', 'USAGE_BASED'),
  starts: maybe(fc.integer({ min: -3, max: 6 })),
  hold: maybe(fc.integer({ min: 0, max: 12 }), 2),
  requireLive: fc.nat(5).map((n) => n === 5),
});

const report: fc.Arbitrary<ChargeAct> = fc.record({
  do: fc.constant('report' as const),
  which,
  amount: fc.constantFrom('0', '1', '2.5', '6', '9'),
  sequence: maybe(fc.nat(4)),
});

const collect: fc.Arbitrary<ChargeAct> = fc.record({
  do: fc.constant('collect' as const),
  which,
  amount: maybe(amount, 3),
  booked: past,
  finalize: fc.nat(9).map((n) => n === 9),
});

const correct: fc.Arbitrary<ChargeAct> = fc.record({
  do: fc.constant('correct' as const),
  which,
  amount: fc.constantFrom('0.25', '1', '2', '5'),
});

const cancelCharge: fc.Arbitrary<ChargeAct> = fc.record({ do: fc.constant('cancel' as const), which });

const adjust: fc.Arbitrary<AdjustAct> = fc.oneof(
  fc.record({ do: fc.constant('up' as const), amount, featureKeys }),
  fc.record({ do: fc.constant('down' as const), amount, featureKey }),
);

const recognize: fc.Arbitrary<LedgerAct> = fc.record({
  do: fc.constant('recognize' as const),
  currency,
  amount: maybe(amount, 3),
  booked: past,
});

const post: fc.Arbitrary<LedgerAct> = fc.record({ do: fc.constant('post' as const), amount, booked: past });

const stepOf = (act: fc.Arbitrary<Act>): fc.Arbitrary<Step> =>
  fc.record({
    /** Mostly the clock stands or moves a little; sometimes far; sometimes it is set back. */
    wait: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3, 12, -2),
    act,
    question: fc.record({
      asOf: fc.integer({ min: -16, max: 16 }),
      knownAt: fc.integer({ min: -16, max: 0 }),
    }),
  });

const ofGrantsAndSpending = stepOf(
  fc.oneof(
    { arbitrary: consume, weight: 11 },
    { arbitrary: grant, weight: 8 },
    { arbitrary: cancelGrant, weight: 1 },
  ),
);

const ofEverything = stepOf(
  fc.oneof(
    { arbitrary: consume, weight: 8 },
    { arbitrary: grant, weight: 8 },
    { arbitrary: charge, weight: 4 },
    { arbitrary: report, weight: 2 },
    { arbitrary: collect, weight: 6 },
    { arbitrary: correct, weight: 6 },
    { arbitrary: pay, weight: 3 },
    { arbitrary: reschedule, weight: 3 },
    { arbitrary: adjust, weight: 2 },
    { arbitrary: recognize, weight: 2 },
    { arbitrary: cancelGrant, weight: 1 },
    { arbitrary: cancelCharge, weight: 1 },
    { arbitrary: post, weight: 1 },
  ),
);

const historyOf = (step: fc.Arbitrary<Step>, longest: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(step, { minLength: 1, maxLength: longest, size: 'max' });

/** Grants, voids and consumption, long enough that facts meet; they shrink to the few steps that matter. */
export const history = (longest = 60): fc.Arbitrary<readonly Step[]> =>
  historyOf(ofGrantsAndSpending, longest);

/** Every command there is, those that move no figure among them. */
export const fullHistory = (longest = 60): fc.Arbitrary<readonly Step[]> => historyOf(ofEverything, longest);
