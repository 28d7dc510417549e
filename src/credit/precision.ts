import { decimalsOf, formatAmount, type Amount } from '../amount.ts';
import { refuseFields } from '../refusal.ts';

/** An amount with more decimals than its currency has is refused with TOO_PRECISE, never rounded (domain.md §5). */
export function checkPrecision(
  { currency, precision }: { readonly currency: string; readonly precision: number },
  amount: Amount,
  field = 'amount',
): void {
  if (decimalsOf(amount) <= precision) return;
  const message = `${formatAmount(amount)} has more decimals than ${currency}, which has ${precision}`;
  refuseFields([{ field, rule: 'TOO_PRECISE', message }], 'TOO_PRECISE');
}
