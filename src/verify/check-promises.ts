import { grantAsKnown } from '../book/as-known.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { WrittenGrant } from './stored-grants.ts';
import type { GrantTotals } from '../ledger/history.ts';
import { rowsOf, type WrittenPromise } from '../pending/written-promises.ts';
import { promiseOf } from '../credit/grant.ts';
import { differences, type Columns, type Finding } from './finding.ts';

// Whether any of it is left has no bearing on when it was pending.
const NOTHING: GrantTotals = { remaining: 0n, forfeited: 0n };

/** The rows of the scheduled-grant index about some grants against what the grants and their former terms give. */
export function checkPromises(
  book: { readonly key: BookKey; readonly version: number },
  grants: readonly WrittenGrant[],
  written: readonly WrittenPromise[],
): Finding[] {
  const byGrant = Map.groupBy(written, ({ grantId }) => grantId);
  const known = new Set(grants.map(({ grant }) => grant.id));
  return [
    ...grants.flatMap((own) => compare(book, promised(book.key, own), byGrant.get(own.grant.id) ?? [])),
    ...written.filter(({ grantId }) => !known.has(grantId)).map((row) => ofNobody(row)),
  ];
}

/** The rows there should be: what was promised is learned with the grant, and anew with each change of its terms. */
function promised(owner: BookKey, own: WrittenGrant): readonly WrittenPromise[] {
  const { grant, former, version, bookedVersion, voidedVersion } = own;
  const versions = [version, ...former.map(({ untilVersion }) => untilVersion), bookedVersion, voidedVersion];
  const changes = [...new Set(versions.filter((one) => one !== null))].toSorted((a, b) => a - b);
  const totals = new Map([[grant.id, NOTHING]]);
  const terms = new Map([[grant.id, former]]);
  return rowsOf(
    owner,
    changes.map((at) => ({
      version: at,
      promise: promiseOf(grantAsKnown(own, { version: at, clock: grant.recordedAt }, totals, terms)),
    })),
  );
}

function compare(
  { version }: { readonly version: number },
  expected: readonly WrittenPromise[],
  actual: readonly WrittenPromise[],
): Finding[] {
  const should = new Map(expected.map((row) => [row.knownFrom, row]));
  const is = new Map(actual.map((row) => [row.knownFrom, row]));
  return [...new Set([...should.keys(), ...is.keys()])].flatMap((knownFrom): Finding[] => {
    const [row, found] = [should.get(knownFrom), is.get(knownFrom)];
    const { grantId } = (row ?? found)!;
    const about = { kind: 'SCHEDULED_INDEX', grantId, version } as const;
    if (row === undefined) return [superfluous(found!, 'was not promised then')];
    if (found !== undefined) return differences(about, named(row), columns(row), columns(found));
    const message = `${named(row)} is missing from the scheduled-grant index`;
    return [{ ...about, expected: `a row known from version ${knownFrom}`, actual: 'none', message }];
  });
}

const ofNobody = (row: WrittenPromise): Finding => superfluous(row, 'is not there');

const superfluous = (row: WrittenPromise, why: string): Finding => ({
  ...{ kind: 'SCHEDULED_INDEX', grantId: row.grantId, version: row.knownFrom },
  ...{ expected: 'none', actual: `a row known from version ${row.knownFrom}` },
  message: `the scheduled-grant index has ${named(row)}, which ${why}`,
});

const named = ({ grantId, knownFrom }: WrittenPromise): string =>
  `the promise of grant ${grantId} known from version ${knownFrom}`;

const columns = (row: WrittenPromise): Columns => ({
  known_until: row.knownUntil,
  ...{ namespace: row.namespace, customer_id: row.customerId },
  ...{
    currency: row.promise.currency,
    feature_keys: row.promise.featureKeys.join(),
    amount: row.promise.amount,
  },
  ...{ pending_from_at: row.promise.from, pending_until_at: row.promise.until },
  ...{ effective_at: row.promise.effectiveAt, expires_at: row.promise.expiresAt },
  span_class: row.spanClass,
});
