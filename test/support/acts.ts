import fc from 'fast-check';
import type { ChargeType, SettlementMode } from '../../src/credit/charge.ts';
import type { Command, CommandOf } from '../../src/credit/command.ts';
import type { SettlementStatus } from '../../src/credit/grant.ts';
import type { Instant } from '../../src/instant.ts';
import {
  aCancellation,
  aCharge,
  aCollection,
  aConsumption,
  aCorrection,
  aGrant,
  anAdjustmentDown,
  anAdjustmentUp,
  aPayment,
  aPosting,
  aRecognition,
  aReport,
  aReschedule,
  aVoid,
  external,
  invoice,
  promotional,
  type Paid,
} from './builders.ts';

/** Instants of a history lie on a grid this wide, so that different events often fall on the same one. */
export const GRID = 3_600_000;

/** What the book an act is asked of knows when it is. */
type Known = {
  /** Tells ids apart. */
  readonly number: number;
  readonly now: Instant;
  readonly grants: readonly string[];
  readonly charges: readonly string[];
};

/** Grid steps from now, behind (−) or ahead; null: left to its default. */
type Steps = number | null;
const from = ({ now }: Known, steps: Steps): Instant | null => (steps === null ? null : now + steps * GRID);

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

/** One currency is the rule, so that facts meet; the other shows that they stay apart. */
export const CURRENCIES = ['USD', 'EUR'] as const;
const currency = fc.constantFrom('USD', 'USD', 'USD', 'USD', 'EUR');
const amount = fc.constantFrom('1', '2', '3', '4', '0.25');
const featureKey = fc.constantFrom(null, null, 'a', 'a', 'b');
const featureKeys = fc.constantFrom<readonly string[]>([], [], ['a'], ['b'], ['a', 'b']);
const mode = fc.constantFrom<SettlementMode[]>('CREDIT_ONLY', 'CREDIT_THEN_INVOICE', 'PREPAID_ONLY');
const which = fc.nat(9);
/** An instant that must not lie ahead; now and then it does. */
const past = maybe(fc.integer({ min: -14, max: 1 }));

const UNKNOWN = 'unknown';

/** One of the few newest there are; now and then one there is not. */
const recent = (ids: readonly string[], nth: number): string =>
  nth === 9 ? UNKNOWN : (ids.at(-1 - (nth % Math.max(1, Math.min(ids.length, 4)))) ?? UNKNOWN);

/** Charges created open have ids of their own kind, so that what only they allow often finds one. */
const recentOpen = ({ charges }: Known, nth: number): string =>
  recent(
    charges.filter((id) => id.startsWith('o')),
    nth,
  );

/**
 * How often a command is asked among all of them (or with which other it shares that), what may be asked, and what it
 * means in a book.
 */
const asks = <Terms, C extends Command>(
  weight: number | Command['kind'],
  terms: { readonly [Term in keyof Terms]: fc.Arbitrary<Terms[Term]> },
  command: (terms: Terms, known: Known) => C,
) => ({ weight, terms: fc.record(terms) as fc.Arbitrary<Terms>, command });

type Asked<C extends Command> = {
  readonly weight: number | Command['kind'];
  readonly terms: fc.Arbitrary<unknown>;
  readonly command: (terms: never, known: Known) => C;
};

/**
 * Every command there is, as random histories ask for it, without instants and ids: those depend on when and where it is
 * asked. One that is forgotten is a type error; null: the reference model knows nothing of it.
 */
const ACTS = {
  consume: asks(8, { currency, amount, featureKey, mode, booked: past }, ({ booked, ...given }, known) =>
    aConsumption({ ...given, chargeId: `c${known.number}`, bookedAt: from(known, booked) }),
  ),
  createGrant: asks(
    8,
    {
      currency,
      amount: fc.constantFrom('1', '3', '5', '8', '2.5'),
      priority: fc.constantFrom(10, 10, 10, 5),
      featureKeys,
      paid: fc.constantFrom(...FUNDINGS),
      effective: maybe(fc.integer({ min: -12, max: 6 })),
      // Grid steps it lives; null: for ever.
      life: maybe(fc.integer({ min: 0, max: 20 })),
      id: fc.nat(9),
    },
    ({ effective, life, id, ...given }, known) => {
      const effectiveAt = from(known, effective);
      const ends = (effectiveAt ?? known.now) + (life ?? 0) * GRID;
      const expiry = life === null ? ({ kind: 'never' } as const) : ({ kind: 'at', instant: ends } as const);
      // The id is the last tie-break of the burn order: it must not follow the order of creation.
      return aGrant({ ...given, grantId: `g${id}-${known.number}`, effectiveAt, expiry });
    },
  ),
  createCharge: asks(
    4,
    {
      currency,
      amount: fc.constantFrom('2', '4', '7'),
      featureKey,
      mode,
      type: fc.constantFrom<ChargeType[]>('FLAT_FEE', 'USAGE_BASED'),
      starts: maybe(fc.integer({ min: -3, max: 6 })),
      hold: maybe(fc.integer({ min: 0, max: 12 }), 2),
      requireLive: fc.nat(5).map((n) => n === 5),
    },
    ({ starts, hold, ...given }, known) => {
      const [startsAt, holdExpiresAt] = [from(known, starts), from(known, hold)];
      return aCharge({ ...given, chargeId: `o${known.number}`, startsAt, holdExpiresAt });
    },
  ),
  updateCharge: asks(
    2,
    { nth: which, total: fc.constantFrom('0', '1', '2.5', '6', '9'), sequence: maybe(fc.nat(4)) },
    ({ nth, total, sequence }, known) => aReport(recentOpen(known, nth), total, sequence),
  ),
  collectCharge: asks(
    6,
    { nth: which, part: maybe(amount, 3), booked: past, finalize: fc.nat(9).map((n) => n === 9) },
    ({ nth, part, booked, finalize }, known) =>
      aCollection(recentOpen(known, nth), {
        ...(part !== null && { amount: part }),
        finalize,
        bookedAt: from(known, booked),
      }),
  ),
  correctCharge: asks(
    6,
    { nth: which, part: fc.constantFrom('0.25', '1', '2', '5') },
    ({ nth, part }, { charges }) => aCorrection(recent(charges, nth), part),
  ),
  updateSettlement: asks(
    3,
    {
      nth: which,
      occurred: past,
      status: fc.constantFrom<SettlementStatus[]>('ISSUED', 'AUTHORIZED', 'SETTLED', 'SETTLED', 'FAILED'),
    },
    ({ nth, occurred, status }, known) => aPayment(recent(known.grants, nth), status, from(known, occurred)),
  ),
  rescheduleGrant: asks(
    3,
    {
      nth: which,
      effective: maybe(fc.integer({ min: -1, max: 6 }), 2),
      expires: maybe(fc.integer({ min: -3, max: 20 }), 3),
    },
    ({ nth, effective, expires }, known) =>
      aReschedule(recent(known.grants, nth), {
        effectiveAt: from(known, effective),
        expiresAt: from(known, expires),
      }),
  ),
  adjustUp: asks(2, { amount, featureKeys }, (given, { number }) =>
    anAdjustmentUp({ ...given, grantId: `g${number % 10}-${number}` }),
  ),
  adjustDown: asks('adjustUp', { amount, featureKey }, (given) => anAdjustmentDown(given)),
  recognizeRevenue: asks(
    2,
    { currency, part: maybe(amount, 3), booked: past },
    ({ currency: of, part, booked }, known) =>
      aRecognition(part, { currency: of, bookedAt: from(known, booked) }),
  ),
  voidGrant: asks(1, { nth: fc.nat(20), release: fc.boolean() }, ({ nth, release }, { grants }) =>
    aVoid(grants[nth % (grants.length + 1)] ?? UNKNOWN, release ? 'RELEASE_UNPAID' : 'NONE'),
  ),
  cancelCharge: asks(1, { nth: which }, ({ nth }, known) => aCancellation(recentOpen(known, nth))),
  postManually: asks(1, { amount, booked: past }, ({ amount: of, booked }, known) =>
    aPosting(of, from(known, booked)),
  ),
  reverseManually: null,
  bookDue: null,
} satisfies { readonly [K in Command['kind']]: Asked<CommandOf<K>> | null };

type Acts = typeof ACTS;
type TermsOf<K extends keyof Acts> = Acts[K] extends { terms: fc.Arbitrary<infer Terms> } ? Terms : never;

/** Something asked of a book: plain data, so that a history that fails can be read. */
export type Act = { [K in keyof Acts]: { readonly kind: K; readonly terms: TermsOf<K> } }[keyof Acts];

type Kind = Act['kind'];

/** One of some commands, each as often as its weight says. */
export const actOf = (weights: { readonly [K in Kind]?: number | Command['kind'] }): fc.Arbitrary<Act> =>
  fc.oneof(
    ...Object.entries(weights)
      .filter(([, weight]) => typeof weight === 'number')
      .map(([kind, weight]) => {
        const sharing = Object.keys(weights).filter((other) => weights[other as Kind] === kind);
        const arbitrary = sharing.length === 0 ? act(kind) : fc.oneof(...[kind, ...sharing].map(act));
        return { weight: Number(weight), arbitrary };
      }),
  );

const act = (kind: string): fc.Arbitrary<Act> =>
  ACTS[kind as Kind]!.terms.map((terms) => ({ kind, terms }) as unknown as Act);

/** One of all there are. */
export const anyAct = (): fc.Arbitrary<Act> =>
  actOf(
    Object.fromEntries(
      Object.entries(ACTS).flatMap(([kind, asked]) => (asked === null ? [] : [[kind, asked.weight]])),
    ),
  );

/** The command an act means at an instant; `number` tells its ids apart, `grants` and `charges` are those there are. */
export function commandOf(
  { kind, terms }: Act,
  number: number,
  now: Instant,
  grants: readonly string[],
  charges: readonly string[] = [],
): Command {
  const { command } = ACTS[kind] as unknown as { command: (terms: unknown, known: Known) => Command };
  return command(terms, { number, now, grants, charges });
}
