import { expect, test } from 'vitest';
import { createBookCache } from '../../src/book/book-cache.ts';
import type { Command } from '../../src/credit/command.ts';
import { audit } from '../support/audit.ts';
import { batchedWorld, NOT_KEPT, postedByHand, type Heard } from '../support/batched.ts';
import { charge, grant } from '../support/every-command.ts';
import { commandOf, GRID, type Step } from '../support/histories.ts';
import { longHistories } from '../support/played.ts';
import { testService } from '../support/service.ts';
import { verified } from '../support/verifier.ts';

/**
 * Law 6 over whole lives: random histories of every command, in one book write by write, in another in batches. What is
 * heard at every step and all rows at the end are the same, and verification finds nothing.
 */

const HISTORIES = 10;
const { time, sql, databaseUrl, commit, tentatively } = await batchedWorld();
const start = time.now;

/** Steps that share a batch: the clock moves between batches only. */
function batchesOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const batches: Step[][] = [];
  for (const [i, step] of steps.entries()) {
    // Sizes from one to five that follow no pattern of the history's own.
    if (batches.length === 0 || batches.at(-1)!.length > (i * 7 + batches.length * 3) % 5) batches.push([]);
    batches.at(-1)!.push(step);
  }
  return batches;
}

/** A history that gives everything its own id, and reverses what was posted by hand now and then. */
function told(step: Step, number: number, now: number, made: Made): (posted: readonly string[]) => Command {
  const command = commandOf(step.act, number, now, made.grants, made.charges);
  if (command.kind === 'postManually' && number % 3 === 0 && made.posted > 0) {
    const which = number % made.posted;
    return (posted) => ({ kind: 'reverseManually', transactionId: posted[which]!, reason: 'wrong' });
  }
  const named: Command = {
    ...command,
    ...('grantId' in command && { grantId: grant(command.grantId) }),
    ...('chargeId' in command && { chargeId: charge(command.chargeId) }),
  };
  return () => named;
}

type Made = { readonly grants: string[]; readonly charges: string[]; posted: number };

const succeeded = (heard: Heard): boolean => 'answer' in (heard as object);

/** Remembers what a step made, so that later ones name it. */
function remember(made: Made, step: Step, number: number, now: number): void {
  const asked = commandOf(step.act, number, now, made.grants, made.charges);
  if (asked.kind === 'createGrant' || asked.kind === 'adjustUp') made.grants.push(asked.grantId);
  if (asked.kind === 'consume' || asked.kind === 'createCharge') made.charges.push(asked.chargeId);
}

async function live(steps: readonly Step[], customer: string): Promise<unknown[]> {
  const [alone, shared] = [`${customer} alone`, `${customer} in batches`];
  const made: Made = { grants: [], charges: [], posted: 0 };
  // The one book is kept in memory from batch to batch, the other loaded for every write.
  const kept = createBookCache(10_000);
  const others: unknown[] = [];
  let number = 0;
  let last = -Infinity;
  time.now = start;
  for (const batch of batchesOf(steps)) {
    time.now += batch[0]!.wait * GRID;
    const now = Math.max(time.now, last);
    const [postedAlone, postedShared] = [await postedByHand(sql, alone), await postedByHand(sql, shared)];
    made.posted = postedAlone.length;
    const commands: ((posted: readonly string[]) => Command)[] = [];
    const heardAlone: Heard[] = [];
    for (const step of batch) {
      number += 1;
      const command = told(step, number, now, made);
      commands.push(command);
      const [heard] = await commit([{ customerId: alone, command: command(postedAlone) }], NOT_KEPT);
      heardAlone.push(withoutIds(heard));
      if (!succeeded(heard)) continue;
      remember(made, step, number, now);
      last = Math.max(last, (heard as { recordedAt: number }).recordedAt);
    }
    const plays = commands.map((command) => ({ customerId: shared, command: command(postedShared) }));
    const heardShared = (await commit(plays, kept)).map(withoutIds);
    if (JSON.stringify(heardShared) !== JSON.stringify(heardAlone)) {
      others.push({ commands: plays.map((play) => play.command), heardShared, heardAlone });
    }
  }
  await tentatively(async ({ said }) => {
    const [a, b] = [await said(alone, 0), await said(shared, 0)];
    if (JSON.stringify(a) !== JSON.stringify(b)) others.push({ alone: a, shared: b });
  });
  return others;
}

/** A refusal about a transaction names it, and its id is of one book alone. */
const withoutIds = (heard: Heard): unknown =>
  JSON.parse(JSON.stringify(heard).replaceAll(/txn_[0-9a-f]{32}/g, 'one'));

test('a life in batches is the life write by write', async () => {
  const others: unknown[] = [];
  for (const [i, steps] of longHistories(HISTORIES, 20_261_128).entries()) {
    others.push(...(await live(steps, `customer ${i}`)));
  }

  expect(others).toEqual([]);
});

test('and leaves sound books behind', async () => {
  const service = await testService(databaseUrl, { clock: time.clock });
  const { findings } = await verified(service.url, {});
  await service.stop();

  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(await audit(sql)).toEqual([]);
});
