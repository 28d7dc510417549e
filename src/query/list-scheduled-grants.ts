import type { BookView, Moment } from '../book/view.ts';
import { databaseTime } from '../db/clock.ts';
import type { Connection } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { scheduledWithin, type Scheduled, type Window, type WindowCursor } from '../pending/window.ts';
import type { Scope } from '../scope.ts';
import { askWritten, type QueryDeps } from '../book/questions.ts';

export type ScheduleQuestion = {
  readonly namespace: string;
  /** Null: the whole namespace. */
  readonly customerId: string | null;
  readonly minVersion: number;
  /** Of a customer: what a page behind the first is of; nulls for the first. */
  readonly moment: Moment;
  /** Null: now. */
  readonly from: Instant | null;
  readonly until: Instant;
  readonly currency: string | null;
  readonly scope: Scope;
  readonly after: WindowCursor | null;
  readonly limit: number;
};

export type ScheduledPage = { readonly scheduled: readonly Scheduled[]; readonly more: boolean };

export type ScheduleAnswer = ScheduledPage & {
  /** Where and when the customer's book was looked at; null for a namespace. */
  readonly view: BookView | null;
};

/** What is scheduled in a window, in order of taking effect; reads the scheduled-grant index alone. */
export function listScheduledGrants(deps: QueryDeps, question: ScheduleQuestion): Promise<ScheduleAnswer> {
  const { customerId, namespace, minVersion, limit } = question;
  const page = async (connection: Connection, book: Window['book'], now: Instant): Promise<ScheduledPage> => {
    const from = question.from ?? now;
    const found = await scheduledWithin(connection, { ...question, book, from, limit: limit + 1 }, now);
    return { scheduled: found.slice(0, limit), more: found.length > limit };
  };
  if (customerId === null) {
    return deps.database.snapshot(async (connection) => {
      const now = deps.clock.reads(await databaseTime(connection));
      return { ...(await page(connection, null, now)), view: null };
    });
  }
  const asked = { key: { namespace, customerId }, minVersion, ...question.moment };
  const none: ScheduledPage = { scheduled: [], more: false };
  return askWritten(deps, asked, none, (connection, view) => page(connection, view, view.asOf));
}
