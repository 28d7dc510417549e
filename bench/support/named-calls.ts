import type { Calls } from '../load/job.ts';
import { CUSTOMERS, PREFIX } from './customers.ts';

/** Spends in one call of `batch`. */
const SIZE = 250;

const everybody = { prefix: PREFIX, count: CUSTOMERS, between: null, about: 'balance', parts: [] } as const;

/** The calls that the tools know by name: for, or about, random customers. */
export const NAMED_CALLS = {
  spend: (server: string): Calls => ({ kind: 'spend', servers: [server], customers: CUSTOMERS }),
  batch: (server: string): Calls => ({
    kind: 'spendBatch',
    servers: [server],
    customers: CUSTOMERS,
    size: SIZE,
  }),
  balance: (server: string): Calls => ({
    kind: 'balance',
    servers: [server],
    asked: [{ series: 'balance', ...everybody }],
  }),
};

export type CallsName = keyof typeof NAMED_CALLS;

/** The name a tool was told; ends the process when there is none such. */
export function nameOr(told: string): CallsName {
  if (Object.hasOwn(NAMED_CALLS, told)) return told as CallsName;
  console.error(`There are: ${Object.keys(NAMED_CALLS).join(', ')}`);
  process.exit(2);
}
