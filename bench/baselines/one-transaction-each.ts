import { randomUUID } from 'node:crypto';
import createKnex from 'knex';
import type { Caller } from '../load/calls.ts';
import { customerId, SPEND } from '../support/customers.ts';
import { answerBytes, requestBytes } from './answer.ts';
import { spendInOneTransaction, type Spend } from './one-transaction.ts';

/** One transaction per spend, called in the process that makes the load: what that way costs without any RPC. */
export function oneTransactionEach(
  databaseUrl: string,
  connections: number,
  customers: number,
): Promise<Caller> {
  const knex = createKnex({
    client: 'pg',
    connection: { connectionString: databaseUrl },
    pool: { min: connections, max: connections },
  });
  const perform = async () => {
    const spend: Spend = {
      ...SPEND,
      customerId: customerId(Math.floor(Math.random() * customers)),
      idempotencyKey: randomUUID(),
    };
    await spendInOneTransaction(knex, spend, requestBytes(spend), (spent) => answerBytes(spend, spent));
    return { done: 1, refused: [] };
  };
  return Promise.resolve({ next: () => ({ series: 'transaction', perform }), close: () => knex.destroy() });
}
