import type { Refusal } from '../refusal.ts';

/**
 * The refusal of a request that is not what its protocol says it is: broken bytes, `"amount": 5`, a
 * misspelt field. `field` is empty where no single field is to blame.
 */
export function undecodable(field: string, message: string): Refusal {
  const rule = 'decodable';
  return {
    reason: 'INVALID_FIELD',
    message,
    metadata: { field, rule },
    violations: [{ field, rule, message }],
  };
}
