import type { BookState } from '../../src/credit/book-state.ts';
import { decide } from '../../src/credit/decide.ts';
import { aGrant, aPayment, day, type Paid, type Write } from '../support/builders.ts';

/** A grant that is paid for, written on the first day. */
export const grant = (paid: Paid, more: Parameters<typeof aGrant>[0] = {}): Write => [
  day(1),
  aGrant({ paid, ...more }),
];

/** The book once it is told on `now` what the payment of its grant g1 came to at an instant. */
export const pay = (
  book: BookState,
  status: 'ISSUED' | 'AUTHORIZED' | 'SETTLED' | 'FAILED',
  at: number,
  now = day(5),
) => decide(book, aPayment('g1', status, at), now);
