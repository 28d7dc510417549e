import { specOf, type Command } from '../credit/command.ts';
import { refuseFields } from '../refusal.ts';
import { isWithdrawn } from '../tables/iso-4217.ts';
import type { Session } from './session.ts';

/**
 * A code withdrawn from ISO 4217 stays good in a book that holds it. UNKNOWN_CURRENCY where a command would bring one to
 * a book that does not (domain.md §14).
 */
export function refuseNewWithdrawn(command: Command, book: Pick<Session, 'currencies' | 'head'>): void {
  const violations = specOf(command)
    .brings(command)
    .filter(({ code }) => isWithdrawn(code) && !holds(book, code))
    .map(({ code, field }) => {
      const message = `${code} has been withdrawn from ISO 4217, and is new to this customer's book`;
      return { field, rule: 'currency.current', message };
    });
  if (violations.length > 0) refuseFields(violations, 'UNKNOWN_CURRENCY');
}

/** As credit, or as money: what a grant was paid in has sub-accounts of its own. */
const holds = ({ currencies, head }: Pick<Session, 'currencies' | 'head'>, code: string): boolean =>
  Object.hasOwn(currencies, code) ||
  [...head.subAccounts.keys()].some((key) => (JSON.parse(key) as readonly unknown[])[1] === code);
