import { loadCharges, pageOfCharges, readCharge, type ChargeFilter } from '../../book/charge-rows.ts';
import type { BookKey } from '../../book/book-key.ts';
import { refuse } from '../../refusal.ts';
import type { Charge } from '../charge.ts';
import { ask, type QueryDeps } from './questions.ts';

type Asked = { readonly key: BookKey; readonly minVersion: number };

/** One charge as it stands now; CHARGE_NOT_FOUND where the customer has none of that id. */
export const getCharge = (
  deps: QueryDeps,
  { chargeId, ...asked }: Asked & { readonly chargeId: string },
): Promise<{ readonly version: number; readonly charge: Charge }> =>
  ask(deps, { ...asked, asOf: null, knownAt: null }, async (connection, { shard, id, version }) => {
    const rows = id === null ? [] : await loadCharges(connection, [{ shard, bookId: id, chargeId }]);
    const [row] = rows;
    if (row !== undefined) return { version, charge: readCharge(row).charge };
    return refuse('CHARGE_NOT_FOUND', `this customer has no charge ${chargeId}`, { id: chargeId });
  });

export type ChargesQuestion = Asked & {
  readonly filter: ChargeFilter;
  /** The id the page before ended with; null for the first. */
  readonly after: string | null;
  readonly limit: number;
};

/** A customer's charges as they stand now, newest recorded first. */
export const listCharges = (
  deps: QueryDeps,
  { key, minVersion, filter, after, limit }: ChargesQuestion,
): Promise<{ readonly version: number; readonly charges: readonly Charge[]; readonly more: boolean }> =>
  ask(deps, { key, minVersion, asOf: null, knownAt: null }, async (connection, { shard, id, version }) => {
    if (id === null) return { version, charges: [], more: false };
    const found = await pageOfCharges(connection, { shard, bookId: id }, filter, after, limit + 1);
    return { version, charges: found.slice(0, limit), more: found.length > limit };
  });
