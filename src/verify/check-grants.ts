import { formatAmount } from '../amount.ts';
import { pendingAmount, type Grant } from '../credit/grant.ts';
import { lifeClass } from '../db/span.ts';
import type { BookKey } from '../tables/book-key.ts';
import type { StoredGrant } from '../tables/grants.ts';
import { rowsOf, type WrittenPromise } from '../pending/written-promises.ts';
import { diff, finding, type Finding } from './finding.ts';
import { rebuildGrant, type RebuiltGrant } from './rebuild-grant.ts';
import type { GrantsPage, WrittenGrant } from './stored-grants.ts';
import type { WrittenAccount } from './written.ts';

type Owner = { readonly key: BookKey; readonly version: number };

/** A page of grants and the rows of the scheduled-grant index about them, against what they are rebuilt to. */
export async function checkGrants(
  book: Owner,
  { grants, promises, entries }: GrantsPage,
  accounts: ReadonlyMap<number, WrittenAccount>,
): Promise<{ readonly findings: readonly Finding[]; readonly rebuilt: readonly StoredGrant[] }> {
  const rebuilds = new Map(grants.map((own) => [own.grant.id, rebuildGrant(own)]));
  for await (const page of entries) {
    for (const entry of page) {
      rebuilds.get(entry.grantId)?.book({ ...entry, account: accounts.get(entry.subAccount)?.type });
    }
  }
  const indexed = Map.groupBy(promises, ({ promise }) => promise.grantId);
  const findings: Finding[] = [];
  const rebuilt = grants.map((written) => {
    const { id } = written.grant;
    const grant = rebuilds.get(id)!.end();
    const promised = rowsOf(book.key, grant.promises);
    findings.push(
      ...checkGrant(written, grant, book.version),
      ...checkPromises(promised, indexed.get(id) ?? [], book.version),
    );
    return grant.own;
  });
  const ofNobody = promises.filter(({ promise }) => !rebuilds.has(promise.grantId));
  findings.push(...ofNobody.map((row) => superfluous(row, 'is not there')));
  return { findings, rebuilt };
}

/** A grant's row: it has at most one finding of each kind. */
function checkGrant(written: WrittenGrant, { own, issued }: RebuiltGrant, version: number): Finding[] {
  const { grant, former: _, expiryVersion: __, ...stored } = written;
  const identity = checkIdentity(grant, own.grant, issued, version);
  // Parts that do not add up are told as that.
  const parts = identity.length === 0 ? own.grant : { ...own.grant, ...partsOf(grant) };
  const expected = { ...own, grant: parts, spanClass: lifeClass(own.version, own.closedVersion) };
  const place = { grantId: grant.id, version };
  return [...identity, ...diff('PROJECTION', place, `grant ${grant.id}`, expected, { ...stored, grant })];
}

/** amount = pending + remaining + consumed + expired + voided, and what was issued is the amount (domain.md §3). */
function checkIdentity(
  grant: Grant,
  known: Grant,
  issued: RebuiltGrant['issued'],
  version: number,
): Finding[] {
  const { id, amount } = grant;
  const sum = pendingAmount(grant) + grant.remaining + grant.consumed + grant.expired + grant.voided;
  const place = { grantId: id, version };
  const told = (actual: bigint, message: string) => [
    finding('GRANT_IDENTITY', place, formatAmount(amount), formatAmount(actual), message),
  ];
  if (sum !== amount) {
    const message = `the parts of grant ${id} add up to ${formatAmount(sum)}, not to its amount ${formatAmount(amount)}`;
    return told(sum, `${message}: it says ${shown(grant)}; its entries give ${shown(known)}`);
  }
  if ((issued ?? amount) === amount) return [];
  return told(issued!, `grant ${id} is of ${formatAmount(amount)}, but ${formatAmount(issued!)} was issued`);
}

const partsOf = ({ remaining, consumed, expired, voided }: Grant) => ({
  remaining,
  consumed,
  expired,
  voided,
});

const shown = (grant: Grant): string =>
  Object.entries({ pending: pendingAmount(grant), ...partsOf(grant) })
    .map(([part, amount]) => `${part} ${formatAmount(amount)}`)
    .join(', ');

function checkPromises(
  expected: readonly WrittenPromise[],
  actual: readonly WrittenPromise[],
  version: number,
): Finding[] {
  const should = new Map(expected.map((row) => [row.knownFrom, row]));
  const is = new Map(actual.map((row) => [row.knownFrom, row]));
  return [...new Set([...should.keys(), ...is.keys()])].flatMap((knownFrom): Finding[] => {
    const [row, found] = [should.get(knownFrom), is.get(knownFrom)];
    if (row === undefined) return [superfluous(found!, 'was not promised then')];
    const place = { grantId: row.promise.grantId, version };
    if (found !== undefined) return diff('SCHEDULED_INDEX', place, named(row), row, found);
    const message = `${named(row)} is missing from the scheduled-grant index`;
    return [finding('SCHEDULED_INDEX', place, `a row known from version ${knownFrom}`, 'none', message)];
  });
}

function superfluous(row: WrittenPromise, why: string): Finding {
  const {
    promise: { grantId },
    knownFrom,
  } = row;
  const message = `the scheduled-grant index has ${named(row)}, which ${why}`;
  const actual = `a row known from version ${knownFrom}`;
  return finding('SCHEDULED_INDEX', { grantId, version: knownFrom }, 'none', actual, message);
}

const named = ({ promise: { grantId }, knownFrom }: WrittenPromise): string =>
  `the promise of grant ${grantId} known from version ${knownFrom}`;
