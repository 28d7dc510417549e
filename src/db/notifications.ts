import pg from 'pg';
import { pause, type Clock } from './clock.ts';
import { createSilenceWatch, cutOff, KEEP_ALIVE, SERVER_KEEP_ALIVE, type SilenceWatch } from './silence.ts';

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
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** A connection that owes an answer for longer is given up; default 5 s. */
  readonly silenceMs?: number;
  readonly onNotification: (payload: string) => void;
  /** From now on notifications are heard; what came before was not. */
  readonly onListening: () => void;
  readonly onLost: (error: unknown) => void;
};

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const CONNECT_MS = 5_000;

/** Who only listens hears nothing of a connection that is gone, so it is asked now and then. */
const ASK_EVERY_MS = 5_000;

export function openNotifications(options: NotificationsOptions): Notifications {
  const silence = createSilenceWatch(options.clock, options.silenceMs ?? 5_000);
  const closing = new AbortController();
  /** Asks over the connection that listens; null where there is none. */
  let current: Ask | null = null;
  let pauseMs = FIRST_PAUSE_MS;

  /** Listens until the connection ends. */
  async function listen(): Promise<void> {
    const { client, ask, ended, hangUp, over } = connectionOf(options, silence);
    let stopAsking: (() => void) | undefined;
    const askAgain = () => {
      // What fails ends the connection, which is heard elsewhere.
      stopAsking = options.clock.after(ASK_EVERY_MS, () => void ask('select 1').then(askAgain, ignore));
    };
    try {
      closing.signal.addEventListener('abort', hangUp, { once: true });
      await client.connect();
      await ask(`listen ${pg.escapeIdentifier(options.channel)}`);
      current = ask;
      askAgain();
      pauseMs = FIRST_PAUSE_MS;
      options.onListening();
      if (closing.signal.aborted) hangUp();
      await ended;
    } finally {
      current = null;
      stopAsking?.();
      closing.signal.removeEventListener('abort', hangUp);
      await client.end().catch(ignore);
      over();
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
      await current('select pg_notify($1, p) from unnest($2::text[]) p', [options.channel, payloads]);
      return true;
    },
    async close() {
      closing.abort();
      await done;
    },
  };
}

/** A connection that is not open yet, and is given up when it goes silent. */
function connectionOf({ url, onNotification }: NotificationsOptions, silence: SilenceWatch) {
  const client = new pg.Client({
    connectionString: url,
    // To tell takes a commit, and a hint need not be on disk before it is heard.
    options: `-c application_name=credit-ledger-notifications -c synchronous_commit=off ${SERVER_KEEP_ALIVE}`,
    connectionTimeoutMillis: CONNECT_MS,
    ...KEEP_ALIVE,
  });
  const { asked, answered, over } = silence.listenTo({
    isIdle: () => false,
    giveUp: (error) => cutOff(client, error),
  });
  const ended = new Promise<void>((resolve, reject) => {
    client.once('end', resolve);
    client.on('error', reject);
  });
  // Heard later; until then it must not count as nobody's.
  ended.catch(ignore);
  client.on('notification', ({ payload }) => onNotification(payload ?? ''));
  let last: Promise<unknown> = Promise.resolve();
  /** One thing after the other. */
  const ask: Ask = (text, values = []) => {
    const answer = last.then(() => {
      asked();
      return client.query(text, [...values]).finally(answered);
    });
    last = answer.catch(ignore);
    return answer;
  };
  const hangUp = () => {
    // A goodbye wants an answer, too.
    asked();
    void client.end();
  };
  return { client, ask, ended, hangUp, over };
}

type Ask = (text: string, values?: readonly unknown[]) => Promise<unknown>;

const ignore = () => undefined;
