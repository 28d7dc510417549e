import '../ledger/late-entries.ts';
import '../pending/scheduled-grants.ts';
import './advances.ts';
import './allocations.ts';
import './books.ts';
import './charges.ts';
import './grants.ts';
import { updatedColumns } from '../db/updated-columns.ts';

/**
 * The columns that the service's role may update, by table; every table it may read and insert into. Those that are
 * imported here update something: projections, and what becomes of a fact that is open. Every test works with no more
 * than this, so one that is missing is noticed.
 */
export const SERVICE_UPDATES: ReadonlyMap<string, ReadonlySet<string>> = updatedColumns;
