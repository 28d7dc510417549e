import fc from 'fast-check';
import { idOf, uuidMaker } from '../../src/id.ts';
import { NEVER, type Instant } from '../../src/instant.ts';
import type { Placed } from '../../src/db/placement.ts';
import type { PromiseChange } from '../../src/pending/scheduled-grants.ts';
import type { CreditPromise } from '../../src/pending/promise.ts';
import { REFERENCE_TIME } from './builders.ts';
import { neighbour } from './neighbours.ts';

/** What is promised of one grant from a version on; null: nothing any more. */
export type Learned = { readonly version: number; readonly promise: CreditPromise | null };

/** The customers that promised grants are of. */
export const PROMISED: readonly string[] = [0, 1, 2].map((i) => neighbour('customer', i));

export type PromisedGrant = { readonly customerId: string; readonly learned: readonly Learned[] };

export const LAST_VERSION = 60;

/** From a millisecond to a century, each order of magnitude as often as the others; some without an end. */
const length = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(fc.nat(12), fc.integer({ min: 1, max: 9 }))
      .map(([power, times]) => times * 10 ** power),
  },
  { weight: 1, arbitrary: fc.constant(NEVER) },
);

const shape = fc.record({
  from: fc.oneof(fc.nat(50), fc.nat(10 ** 7), fc.nat(3 * 10 ** 10)),
  lengths: fc.array(length, { minLength: 1, maxLength: 3 }),
  /** Versions between what is learned; 0 leaves the last of them out. */
  gaps: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 3, maxLength: 3 }),
  ends: fc.boolean(),
  calledOff: fc.boolean(),
  amount: fc.bigInt({ min: 1n, max: 10n ** 20n }),
  currency: fc.constantFrom('USD', 'USD', 'EUR'),
  featureKeys: fc.constantFrom<readonly string[]>([], ['a'], ['b'], ['a', 'b']),
  customer: fc.nat(2),
});

const uuids = uuidMaker(() => REFERENCE_TIME);

/** Grants whose promise is learned, changed and called off under versions 1 to {@link LAST_VERSION}. */
export const promisedGrants = (count: number, seed: number): readonly PromisedGrant[] =>
  fc.sample(shape, { numRuns: count, seed }).map((one) => {
    const grantId = idOf('grt', uuids());
    const from = REFERENCE_TIME + one.from;
    let version = 0;
    const learned = one.lengths.flatMap((span, i): Learned[] => {
      const gap = one.gaps[i]!;
      version += i === 0 ? gap + 1 : gap;
      if (version > LAST_VERSION || (i > 0 && gap === 0)) return [];
      if (one.ends && i === 2) return [{ version, promise: null }];
      const until = from + span;
      // Called off: the promise ends before it would have taken effect.
      const effectiveAt = one.calledOff && i > 0 ? until + 1_000 : until;
      const { amount, currency, featureKeys } = one;
      const promise = { grantId, currency, featureKeys, amount, from, until, effectiveAt, expiresAt: NEVER };
      return [{ version, promise }];
    });
    return { customerId: PROMISED[one.customer]!, learned };
  });

/** What is promised of a grant as known at a version. */
export const known = ({ learned }: PromisedGrant, version: number): CreditPromise | null =>
  learned.findLast((fact) => fact.version <= version)?.promise ?? null;

/** The same as changes for the index, in version order. */
export const changesOf = (
  grants: readonly PromisedGrant[],
  placeOf: (customerId: string) => Placed,
): readonly PromiseChange[] =>
  grants
    .flatMap(({ customerId, learned }) =>
      learned.map(({ version, promise }, i): PromiseChange => {
        const before = learned[i - 1]?.promise ?? null;
        const grantId = (promise ?? before)?.grantId ?? 'grt_none';
        const owner = { ...placeOf(customerId), namespace: 'default', customerId };
        return { ...owner, grantId, version, before, after: promise };
      }),
    )
    .filter(({ before, after }) => before !== null || after !== null)
    .toSorted((a, b) => a.version - b.version);

/** Instants worth asking about: the edges of promises, a millisecond to either side, and others. */
export const instantsAround = (
  grants: readonly PromisedGrant[],
  count: number,
  seed: number,
): readonly Instant[] => {
  const edges = grants
    .flatMap(({ learned }) =>
      learned.flatMap(({ promise }) => (promise === null ? [] : [promise.from, promise.until])),
    )
    .filter((edge) => edge < NEVER);
  const near = fc
    .tuple(fc.constantFrom(...edges), fc.integer({ min: -1, max: 1 }))
    .map(([edge, off]) => edge + off);
  const far = fc.integer({ min: -(10 ** 8), max: 3 * 10 ** 12 }).map((off) => REFERENCE_TIME + off);
  return fc.sample(fc.oneof({ weight: 4, arbitrary: near }, { weight: 1, arbitrary: far }), {
    numRuns: count,
    seed,
  });
};
