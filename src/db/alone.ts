import type { Knex } from 'knex';
import { openKnex } from './knex.ts';
import { StartError } from '../start-error.ts';

export type Alone = {
  /** Names the work in the database: any number, as long as every release uses the same. */
  readonly key: number;
  readonly waitMs: number;
  /** What to do where somebody else has been at it for longer than that. */
  readonly busy: string;
};

/**
 * Does some work while nobody else does the same in this database: the others wait, `waitMs` at most. What keeps them
 * off ends with the connection, so also where this process dies.
 */
export const alone = <T>(db: Knex, { key, waitMs, busy }: Alone, work: () => Promise<T>): Promise<T> =>
  db.transaction(async (lock) => {
    // Idle is what this transaction is meant to be: a server's limit on that must not end it half way.
    await lock.raw(
      `select set_config('lock_timeout', ?, true), set_config('idle_in_transaction_session_timeout', '0', true)`,
      [`${waitMs}ms`],
    );
    await lock.raw('select pg_advisory_xact_lock(?)', [key]).catch((cause: unknown) => {
      throw (cause as { code?: string }).code === LOCK_NOT_AVAILABLE
        ? new StartError(busy, { cause })
        : cause;
    });
    return work();
  });

const LOCK_NOT_AVAILABLE = '55P03';

/** The same on a connection of its own. */
export async function aloneIn<T>(url: string, how: Alone, work: () => Promise<T>): Promise<T> {
  const db = openKnex({ connectionString: url, application_name: 'credit-ledger lock' }, 1);
  try {
    return await alone(db, how, work);
  } finally {
    await db.destroy();
  }
}
