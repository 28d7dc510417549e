import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { WatchBalanceResponse } from '#gen/credit/v1/watch_pb.ts';
import type { Transaction } from '#gen/ledger/v1/journal_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';

/** Watching without gaps, whatever breaks: what a caller of the service writes. Run by test/feed/example.test.ts. */

/** Pings find out when the other side is gone without a word; a stream alone would wait for ever. */
const connect = (baseUrl: string) =>
  createGrpcTransport({ baseUrl, pingIntervalMs: 20_000, pingIdleConnection: true });

export const ledgerAt = (baseUrl: string): Client<typeof LedgerService> =>
  createClient(LedgerService, connect(baseUrl));

export const creditAt = (baseUrl: string): Client<typeof CreditService> =>
  createClient(CreditService, connect(baseUrl));

/**
 * Hands over every transaction of a namespace, none missed and none twice. `deal` keeps the cursor together with what
 * it makes of the transaction, best in one database transaction; after a restart, that cursor is where to go on.
 */
export async function followTransactions(
  ledger: Client<typeof LedgerService>,
  namespace: string,
  saved: string,
  deal: (transaction: Transaction, cursor: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let cursor = saved;
  await persistently(signal, async (wellDone) => {
    for await (const message of ledger.watchTransactions({ namespace, cursor }, { signal })) {
      if (message.event.case === 'transaction') await deal(message.event.value, message.cursor);
      cursor = message.cursor;
      wellDone();
    }
  });
}

/** Hands over a customer's balance now, and whenever it has changed. Every message is the whole balance. */
export async function followBalance(
  credit: Client<typeof CreditService>,
  customerId: string,
  show: (balance: WatchBalanceResponse) => void,
  signal: AbortSignal,
): Promise<void> {
  let lastVersion = 0n;
  await persistently(signal, async (wellDone) => {
    for await (const balance of credit.watchBalance({ customerId, lastVersion }, { signal })) {
      if (!balance.heartbeat) show(balance);
      lastVersion = balance.version;
      wellDone();
    }
  });
}

/** What trying again does not mend: the request itself is wrong, or may not be made. */
const FINAL = new Set([
  Code.InvalidArgument,
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.NotFound,
  Code.Unimplemented,
  Code.OutOfRange,
]);

/** Opens the stream again whenever it ends, after a pause that grows from 0.1 to 10 seconds while nothing comes. */
async function persistently(
  signal: AbortSignal,
  stream: (wellDone: () => void) => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await stream(() => (failures = 0));
    } catch (error) {
      if (signal.aborted) return;
      if (FINAL.has(ConnectError.from(error).code)) throw error;
    }
    const pauseMs = Math.min(10_000, 100 * 2 ** failures++) * (0.5 + Math.random() / 2);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
