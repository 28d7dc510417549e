import { expect } from 'vitest';
import type { Step } from './histories.ts';
import type { PlayedStep } from './played.ts';
import { EMPTY_REFERENCE, write, type ReferenceBook } from './reference-model.ts';

/** A history as the model has lived it, beside the service. */
export type Twin = { book: ReferenceBook; steps: number };

export const newTwin = (): Twin => ({ book: EMPTY_REFERENCE, steps: 0 });

/** The model lives a step too; it has to accept or refuse it as the service did. */
export function tell(twin: Twin, { command, result, now }: PlayedStep): void {
  const told = write(twin.book, command, now);
  expect(result.ok ? 'accepted' : result.error.reason).toBe('reason' in told ? told.reason : 'accepted');
  if ('book' in told) twin.book = told.book;
  twin.steps += 1;
}

/**
 * Left to examples of their own: a payment that fails once its grant is credit (settlement.ts), and a reschedule of
 * nothing or to an expiry before its start, which validation refuses before the rules are asked.
 */
export function isPlain({ act }: Step): boolean {
  if (act.kind === 'updateSettlement') return act.terms.status !== 'FAILED';
  if (act.kind !== 'rescheduleGrant') return true;
  const { effective, expires } = act.terms;
  return expires === null ? effective !== null : effective === null || effective < expires;
}
