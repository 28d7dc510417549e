import { formatAmount, sumAmounts } from '../../src/amount.ts';
import { NEVER } from '../../src/instant.ts';
import type { BookFacts, Row } from './rebuilt.ts';

/** What was told late in each block of 64 and of 4096 versions, of sub-accounts and grants, entry by entry. */
export function rebuiltLateSums({ entries, lateSummed, writes }: BookFacts): readonly Row[] {
  const below = lateSummed[0]?.below_version ?? 0;
  const recordedAt = new Map(writes.map(({ version, recorded_at }) => [version, recorded_at]));
  const late = entries.filter(({ version, booked_at }) => booked_at < recordedAt.get(version)!);
  return [64, 4_096].flatMap((size, i) => {
    const whole = late.filter(({ version }) => version < Math.floor(below / size) * size);
    return Object.entries({
      ACCOUNT: whole.map((entry) => ({ entry, series: entry['account_id'] as string })),
      GRANT: whole
        .filter(({ type, grant_id }) => type === 'CUSTOMER_FBO' && grant_id !== null)
        .map((entry) => ({ entry, series: entry['grant_id'] as string })),
    }).flatMap(([kind, told]) =>
      [
        ...Map.groupBy(told, ({ entry, series }) => `${Math.floor(entry['version'] / size)} ${series}`),
      ].flatMap(([block, own]) =>
        rowsOf(own.map(({ entry }) => entry)).map((row) => ({
          kind,
          level: i + 1,
          block: Number(block.split(' ')[0]),
          series: block.split(' ')[1],
          ...row,
        })),
      ),
    );
  });
}

function rowsOf(entries: readonly Row[]): readonly Row[] {
  const byInstant = Map.groupBy(entries, (entry) => entry['booked_at'] as number);
  const instants = [...byInstant.keys()].toSorted((a, b) => a - b);
  let sum = 0n;
  const totals = instants.map((at) => {
    sum += sumAmounts(byInstant.get(at)!.map((entry) => entry['amount']));
    return formatAmount(sum);
  });
  return instants.flatMap((first_at, i) =>
    i % 64 === 0
      ? [
          {
            first_at,
            until_at: instants[i + 64] ?? NEVER,
            instants: instants.slice(i, i + 64),
            totals: totals.slice(i, i + 64),
          },
        ]
      : [],
  );
}
