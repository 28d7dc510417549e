import pg from 'pg';
import { pause } from './clock.ts';

/**
 * NOTIFY and LISTEN on a connection of their own. A notification is only ever a hint: it may be lost with its
 * connection, which is opened again as long as it takes. Whoever listens has to look for himself now and then.
 */
export type Notifications = {
  /** Tells everybody who listens on the channel, ourselves too. False: there is no connection, and nobody was told. */
  notify(payloads: readonly string[]): Promise<boolean>;
  close(): Promise<void>;
};

export type NotificationsOptions = {
  readonly url: string;
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  /** From now on notifications are heard; what came before was not. */
  readonly onListening: () => void;
  readonly onLost: (error: unknown) => void;
};

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const CONNECT_MS = 5_000;

export function openNotifications(options: NotificationsOptions): Notifications {
  const closing = new AbortController();
  let current: pg.Client | null = null;
  let pauseMs = FIRST_PAUSE_MS;

  /** Listens until the connection ends. */
  async function listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: options.url,
      // To tell takes a commit, and a hint need not be on disk before it is heard.
      options: '-c application_name=credit-ledger-notifications -c synchronous_commit=off',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    });
    const ended = new Promise<void>((resolve, reject) => {
      client.once('end', resolve);
      client.on('error', reject);
    });
    // Heard below; until then it must not count as nobody's.
    ended.catch(() => undefined);
    client.on('notification', ({ payload }) => options.onNotification(payload ?? ''));
    const hangUp = () => void client.end();
    try {
      closing.signal.addEventListener('abort', hangUp, { once: true });
      await client.connect();
      await client.query(`listen ${pg.escapeIdentifier(options.channel)}`);
      current = client;
      pauseMs = FIRST_PAUSE_MS;
      options.onListening();
      if (closing.signal.aborted) hangUp();
      await ended;
    } finally {
      current = null;
      closing.signal.removeEventListener('abort', hangUp);
      await client.end().catch(() => undefined);
    }
  }

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      await listen().catch((error: unknown) => {
        if (!closing.signal.aborted) options.onLost(error);
      });
      await pause(pauseMs, closing.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  const done = keepListening();
  return {
    async notify(payloads) {
      if (current === null) return false;
      await current.query('select pg_notify($1, p) from unnest($2::text[]) p', [options.channel, payloads]);
      return true;
    },
    async close() {
      closing.abort();
      await done;
    },
  };
}
