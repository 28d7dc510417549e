import { sumAmounts, type Amount } from '../../amount.ts';
import { adjustDown as adjustment } from '../../ledger/posting-rules.ts';
import { book } from '../book-state.ts';
import { insufficient, plan, slicesOf, takeAll } from '../collect.ts';
import { itsCurrency, nothing, type CommandSpec } from '../spec.ts';

/**
 * Takes credit away in burn order, `amount` > 0 from what a charge for the feature key could use; INSUFFICIENT_CREDIT if
 * there is less. In a grant's identity it is consumed.
 */
export type AdjustDown = {
  readonly kind: 'adjustDown';
  readonly currency: string;
  readonly amount: Amount;
  readonly featureKey: string | null;
  readonly reason: string;
};

export const adjustDown = {
  method: 'CreateAdjustment',
  cause: 'ADJUSTED',
  needs: nothing,
  brings: itsCurrency,
  decide(work, command, now) {
    const { currency, amount, reason } = command;
    const planned = plan(work, command, amount, now);
    const eligible = sumAmounts(planned.map((slice) => slice.amount));
    if (eligible < amount) insufficient(command, amount, eligible);
    const sources = takeAll(work, planned, now);
    book(work, adjustment(sources, now, reason));
    return { currency, allocations: slicesOf(sources) };
  },
} satisfies CommandSpec<AdjustDown>;
