import type { Instant } from '../instant.ts';
import { statement, type Connection } from './database.ts';

/**
 * Turns the database's time, read where it is needed, into now. The one place time comes from: every instance on one
 * database agrees on it. Tests inject another to move time by hand.
 */
export type Clock = (databaseTime: Instant) => Instant;

export const databaseClock: Clock = (time) => time;

const NOW = statement<{ now: Instant }>('now', `select date_trunc('milliseconds', clock_timestamp()) as now`);

/** The database's time, cut to the millisecond. */
export async function databaseTime(connection: Connection): Promise<Instant> {
  const [row] = await connection.run(NOW);
  return row!.now;
}

/** The process's own time, for what never reaches the ledger: ids, log lines, deadlines. */
export const processTime = (): Instant => Date.now();
