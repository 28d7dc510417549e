import { allocationKey } from '../credit/charge.ts';
import { lifeClass } from '../db/span.ts';
import { diff, finding, type Finding, type Place } from './finding.ts';
import { rebuildCharge, type RebuiltCharge } from './rebuild-charge.ts';
import type { ChargeRows, ChargesPage, WrittenCharge } from './stored-charges.ts';

/** The charges of a page with all rows about them, against what they are rebuilt to. */
export const checkCharges = (
  { charges, rows: byCharge, entries }: ChargesPage,
  version: number,
  { hashedSince }: { readonly hashedSince: number },
): Finding[] =>
  charges.flatMap((own) => {
    const { id } = own.charge;
    const found = byCharge.get(id) ?? NONE;
    return checkCharge(own, found, rebuildCharge(own, found, entries.get(id) ?? [], hashedSince), version);
  });

const NONE: ChargeRows = { events: [], advances: [], reductions: [], allocations: [] };

function checkCharge(
  written: WrittenCharge,
  found: ChargeRows,
  rebuilt: RebuiltCharge,
  version: number,
): Finding[] {
  const { charge, closedVersion } = written;
  const { id: chargeId } = charge;
  const place = { chargeId, version };
  const row = {
    charge: rebuilt.charge,
    closedVersion: rebuilt.closedVersion,
    spanClass: lifeClass(charge.version, rebuilt.closedVersion),
  };
  const actual = { charge, closedVersion, spanClass: written.spanClass };
  const of = (what: string) => `the ${what} of charge ${chargeId}`;
  return [
    ...diff('PROJECTION', place, `charge ${chargeId}`, row, actual),
    ...rows(rebuilt.events, found.events, ({ version: at }) => ({
      key: at,
      what: of(`event of version ${at}`),
      place: { chargeId, version: at },
    })),
    ...rows(
      rebuilt.advances.map((own) => ({
        ...own,
        spanClass: lifeClass(own.advance.entry.version, own.closedVersion),
      })),
      found.advances,
      ({ advance: { collection } }) => ({
        key: collection,
        what: of(`advance of collection ${collection}`),
        place,
      }),
    ),
    ...rows(rebuilt.reductions, found.reductions, ({ version: at, number }) => ({
      key: `${at} ${number}`,
      what: of(`reduction ${number} of version ${at}`),
      place: { chargeId, version: at },
    })),
    ...rows(rebuilt.allocations, found.allocations, ({ ref, grantId }) => ({
      key: allocationKey(ref),
      what: of(`split at entry ${ref.position} of version ${ref.version}`),
      place: { chargeId, grantId, version: ref.version },
    })),
  ];
}

/** Rows by their keys against those there should be. */
function rows<Row extends object>(
  expected: readonly Row[],
  found: readonly Row[],
  named: (row: Row) => { readonly key: string | number; readonly what: string; readonly place: Place },
): Finding[] {
  const is = new Map(found.map((row) => [named(row).key, row]));
  const should = new Set(expected.map((row) => named(row).key));
  return [
    ...expected.flatMap((row) => {
      const { key, what, place } = named(row);
      const own = is.get(key);
      if (own !== undefined) return diff('PROJECTION', place, what, row, own);
      return [finding('PROJECTION', place, 'a row', 'none', `${what} is missing`)];
    }),
    ...found
      .filter((row) => !should.has(named(row).key))
      .map((row) => {
        const { what, place } = named(row);
        return finding('PROJECTION', place, 'none', 'a row', `${what} is there, and no entry tells of it`);
      }),
  ];
}
