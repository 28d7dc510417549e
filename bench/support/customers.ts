import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { createClient } from '../load/client.ts';

/** The customers most figures are taken with: one grant each, of more credit than any figure spends. */

export const CUSTOMERS = 10_000;
export const PREFIX = 'customer-';
export const customerId = (number: number): string => `${PREFIX}${number}`;

/** What every spend asks for, whoever makes it. */
export const SPEND = { currency: 'USD', amount: '0.01', name: 'Render job' } as const;

/** As many as a batch RPC takes. */
const BATCH = 1000;

/**
 * Over the wire: a grant of a hundred million for each, and a first spend, which opens the sub-accounts of its route, so
 * that no side of a comparison has to.
 */
export async function seedCustomers(url: string, count = CUSTOMERS): Promise<void> {
  const client = createClient([url], 1);
  const { batchCreateGrants, batchConsumeCredits } = CreditService.method;
  for (let from = 0; from < count; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => customerId(from + i));
    const grants = ids.map((id) => ({
      customerId: id,
      idempotencyKey: 'seed-grant',
      currency: SPEND.currency,
      amount: '100000000',
      name: 'Plenty',
    }));
    allDone(await client.call(batchCreateGrants, { requests: grants }, 60_000));
    const spends = ids.map((id) => ({ ...SPEND, customerId: id, idempotencyKey: 'seed-spend' }));
    allDone(await client.call(batchConsumeCredits, { requests: spends }, 60_000));
  }
  client.close();
}

type Outcome = { readonly outcome: { readonly case?: string | undefined; readonly value?: unknown } };

function allDone({ results }: { readonly results: readonly Outcome[] }): void {
  const error = results.find(({ outcome }) => outcome.case === 'error');
  if (error !== undefined) throw new Error(`a seed was refused: ${JSON.stringify(error.outcome.value)}`);
}
