import { statement, type Connection } from './database.ts';

const LOCK_WAIT = statement<never>('lock_wait', `select set_config('lock_timeout', $1, true)`);

/** From here on the transaction waits for so long at most for each lock that somebody else holds. */
export const limitLockWait = async (connection: Connection, ms: number): Promise<void> => {
  await connection.run(LOCK_WAIT, [`${ms}ms`]);
};
