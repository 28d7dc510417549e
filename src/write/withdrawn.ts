import type { Command } from '../credit/command.ts';
import { refuseFields } from '../refusal.ts';
import { isWithdrawn } from '../tables/iso-4217.ts';
import type { Session } from './session.ts';

/**
 * A code withdrawn from ISO 4217 stays good in a book that holds it. UNKNOWN_CURRENCY where a command would bring one to
 * a book that does not (domain.md §14).
 */
export function refuseNewWithdrawn(command: Command, book: Pick<Session, 'currencies' | 'head'>): void {
  const violations = currenciesOf(command)
    .filter(({ code }) => isWithdrawn(code) && !holds(book, code))
    .map(({ code, field }) => {
      const message = `${code} has been withdrawn from ISO 4217, and is new to this customer's book`;
      return { field, rule: 'currency.current', message };
    });
  if (violations.length > 0) refuseFields(violations, 'UNKNOWN_CURRENCY');
}

type Named = { readonly code: string; readonly field: string };

/** The currencies a command may bring to a book, by the field that names each. */
function currenciesOf(command: Command): readonly Named[] {
  if (command.kind === 'postManually') {
    return command.entries.map(({ account }, i) => ({
      code: account.currency,
      field: `entries[${i}].currency`,
    }));
  }
  const paidIn = command.kind === 'createGrant' ? command.terms.purchaseCurrency : null;
  return [
    // Revenue can only be recognized of what is there.
    ...('currency' in command && command.kind !== 'recognizeRevenue'
      ? [{ code: command.currency, field: 'currency' }]
      : []),
    ...(paidIn === null ? [] : [{ code: paidIn, field: 'funding.purchase_currency' }]),
  ];
}

/** As credit, or as money: what a grant was paid in has sub-accounts of its own. */
const holds = ({ currencies, head }: Pick<Session, 'currencies' | 'head'>, code: string): boolean =>
  Object.hasOwn(currencies, code) ||
  [...head.subAccounts.keys()].some((key) => (JSON.parse(key) as readonly unknown[])[1] === code);
