import { adjustDown, type AdjustDown } from './commands/adjust-down.ts';
import { adjustUp, type AdjustUp } from './commands/adjust-up.ts';
import { bookDue, type BookDue } from './commands/book-due.ts';
import { cancelCharge, type CancelCharge } from './commands/cancel-charge.ts';
import { collectCharge, type CollectCharge } from './commands/collect-charge.ts';
import { consume, type Consume } from './commands/consume.ts';
import { correctCharge, type CorrectCharge } from './commands/correct-charge.ts';
import { createCharge, type CreateCharge } from './commands/create-charge.ts';
import { createGrant, type CreateGrant } from './commands/create-grant.ts';
import { postManually, type PostManually } from './commands/post-manually.ts';
import { recognizeRevenue, type RecognizeRevenue } from './commands/recognize-revenue.ts';
import { rescheduleGrant, type RescheduleGrant } from './commands/reschedule-grant.ts';
import { reverseManually, type ReverseManually } from './commands/reverse-manually.ts';
import { updateCharge, type UpdateCharge } from './commands/update-charge.ts';
import { updateSettlement, type UpdateSettlement } from './commands/update-settlement.ts';
import { voidGrant, type VoidGrant } from './commands/void-grant.ts';
import type { CommandSpec, WriteCause } from './spec.ts';

/** What a caller wants done to one customer's book; all ids in it are made before it is decided. */
export type Command =
  | CreateGrant
  | VoidGrant
  | RescheduleGrant
  | UpdateSettlement
  | Consume
  | CreateCharge
  | UpdateCharge
  | CollectCharge
  | CorrectCharge
  | CancelCharge
  | AdjustUp
  | AdjustDown
  | RecognizeRevenue
  | PostManually
  | ReverseManually
  | BookDue;

export type CommandOf<K extends Command['kind']> = Extract<Command, { readonly kind: K }>;

/** What is said of each command: whatever has to know what one is asks here. */
export const COMMANDS = {
  createGrant,
  voidGrant,
  rescheduleGrant,
  updateSettlement,
  consume,
  createCharge,
  updateCharge,
  collectCharge,
  correctCharge,
  cancelCharge,
  adjustUp,
  adjustDown,
  recognizeRevenue,
  postManually,
  reverseManually,
  bookDue,
} satisfies { readonly [K in Command['kind']]: CommandSpec<CommandOf<K>> };

/** What the caller of each command learns; `currency`: of the credit the write concerned, null where it did none. */
export type AnswerOf<C extends Command> = ReturnType<(typeof COMMANDS)[C['kind']]['decide']>;

/** What is said of a command of one kind; its `decide` answers what the caller of that kind learns. */
type SpecOf<C extends Command> = Omit<CommandSpec<C>, 'decide'> & {
  readonly decide: (...asked: Parameters<CommandSpec<C>['decide']>) => AnswerOf<C>;
};

export const specOf = <C extends Command>({ kind }: C): SpecOf<C> => COMMANDS[kind] as unknown as SpecOf<C>;

const CAUSES = new Map<string, WriteCause>(
  Object.values(COMMANDS).map(({ method, cause }) => [method, cause]),
);

/** What a recorded write is the cause of, by what it is called; null for one that moves no figure. */
export const causeOfWrite = (method: string): WriteCause => CAUSES.get(method) ?? null;
