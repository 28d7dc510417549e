import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Clock } from './clock.ts';

/** Calls off what a connection is asked: nobody waits for it any more. */

/** How long it may take until the connection is free; else it is given up. */
const GRACE_MS = 1_000;

/** A request that comes before what it is to cancel is of no effect, so it is made again. */
const AGAIN_MS = 100;

/**
 * Has Postgres cancel what the connection is asked, until that is `answered`. A request is about a session, not about a
 * statement: one that is still on its way would hit whatever is asked next. So it is over only when Postgres has dealt
 * with every request, which it says by closing. False: it did not within the grace, and the connection must serve nobody
 * any more.
 */
export async function cancel(
  client: pg.ClientBase,
  answered: Promise<void>,
  clock: Pick<Clock, 'after'>,
): Promise<boolean> {
  const patience = new AbortController();
  const callOff = clock.after(GRACE_MS, () => patience.abort());
  try {
    while (await request(client, patience.signal)) {
      if (await within(AGAIN_MS, answered, clock)) return true;
    }
    return false;
  } finally {
    callOff();
  }
}

/** The messages of Postgres' protocol that asking for a cancelation takes, as the driver's own connection has them. */
type CancelConnection = {
  readonly stream: Duplex;
  once(event: 'connect' | 'sslconnect', listener: () => void): void;
  on(event: 'error', listener: () => void): void;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
};

/** Where a client of the driver is connected to, and as which session. */
type Session = {
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: 'postgres' | 'direct';
  readonly processID: number;
  readonly secretKey: number;
};

/** Asks for the session's statement to be canceled, over a connection of its own; whether Postgres has dealt with it. */
async function request(client: pg.ClientBase, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as Session;
  const config = { ssl, sslNegotiation } as pg.ConnectionConfig;
  const connection = new pg.Connection(config) as unknown as CancelConnection;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isAsked = false;
  const ask = () => {
    isAsked = true;
    connection.cancel(processID, secretKey);
  };
  connection.once('connect', () => {
    if (!ssl) ask();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  connection.once('sslconnect', ask);
  connection.on('error', () => connection.stream.destroy());
  connection.stream.once('close', (failed: boolean) => resolve(isAsked && !failed && !signal.aborted));
  signal.addEventListener('abort', () => connection.stream.destroy(), { once: true });
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  return promise;
}

/** Whether the promise resolves within so long. */
const within = (ms: number, promise: Promise<void>, clock: Pick<Clock, 'after'>): Promise<boolean> =>
  new Promise((resolve) => {
    const callOff = clock.after(ms, () => resolve(false));
    const resolved = () => {
      callOff();
      resolve(true);
    };
    void promise.then(resolved);
  });
