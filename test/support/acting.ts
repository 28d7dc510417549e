import { callerOf, type Caller } from './caller.ts';
import type { Filter } from './filters.ts';
import type { Json } from './service.ts';

/** On whose behalf calls are made, in turn; null: nobody's. */
const NAMES = ['jane', 'joe@example.com', null, 'jane', 'Ann, of support'] as const;

/** Somebody who calls on behalf of one after the other; without credentials the caller is anonymous. */
export function actingInTurn(service: { readonly url: string }): Caller {
  let calls = 0;
  return callerOf(service, () => {
    const name = NAMES[calls % NAMES.length]!;
    calls += 1;
    return name === null ? {} : { 'credit-ledger-actor': name };
  });
}

/** Filters on whom something is by, caller or actor, and how they read. */
export const BY_ACTOR: readonly Filter[] = ['jane', 'Ann, of support', 'anonymous', 'nobody'].map(
  (actor) => ({
    asked: { actor },
    shows: (row: Json) => row['actor']?.actor === actor || row['actor']?.caller === actor,
  }),
);
