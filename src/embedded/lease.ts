import type pg from 'pg';

/** A session that says: this process uses the server. It ends with the process, however that ends. */
export type Lease = {
  /** Gives it back. True if nobody else holds one, so that the server can be stopped. */
  release(): Promise<boolean>;
  /** Resolves when the session ends, released or not: the server has ended, or has cut its sessions to recover. */
  readonly ended: Promise<void>;
};

/** Any number, of this database only; it guards nothing but leases. */
const key = 8484;

/** @param client a connected session of the superuser; the lease takes it over and closes it. */
export async function takeLease(client: pg.Client): Promise<Lease> {
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  await client.query('select pg_advisory_lock_shared($1)', [key]);
  return {
    ended,
    async release() {
      try {
        await client.query('select pg_advisory_unlock_shared($1)', [key]);
        const { rows } = await client.query<{ last: boolean }>('select pg_try_advisory_lock($1) as last', [
          key,
        ]);
        return rows[0]?.last === true;
      } catch {
        // The session was lost, and with it the server it belonged to: what runs now is somebody else's.
        return false;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}
