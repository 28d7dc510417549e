import { expect, test } from 'vitest';
import { monotonic } from '../../src/db/clock.ts';
import type { Submission } from '../../src/write/submission.ts';
import { batchedWorld, submissionOf } from '../support/batched.ts';
import { aGrant } from '../support/builders.ts';
import { grant } from '../support/every-command.ts';

/** A batch that takes long to decide does not keep everybody else in the process waiting until its end. */

const { submit } = await batchedWorld();

/** Longer than anybody has to wait for a turn. */
const LONG_MS = 25;

const customers = [1, 2, 3, 4];

/** A write that takes long to decide: `deciding` is told as it begins. */
function long(number: number, deciding: () => void): Submission {
  const submission = submissionOf({
    customerId: `customer ${number}`,
    key: 'one',
    command: aGrant({ grantId: grant(`of customer ${number}`) }),
  });
  return {
    ...submission,
    content() {
      deciding();
      const until = monotonic() + LONG_MS;
      while (monotonic() < until);
      return submission.content();
    },
  };
}

test('others have their turn between the commands of a batch', async () => {
  const order: string[] = [];
  const others = () => setImmediate(() => order.push('others'));
  const batch = customers.map((number) =>
    long(number, () => {
      order.push(`decides ${number}`);
      others();
    }),
  );

  expect(await submit(batch)).toMatchObject(customers.map(() => ({ ok: true })));
  expect(order.filter((what) => what !== 'others')).toEqual(customers.map((number) => `decides ${number}`));
  for (const number of customers.slice(1)) {
    expect(order[order.indexOf(`decides ${number}`) - 1]).toBe('others');
  }
});

test('what a batch has not begun to decide after a long time is left undone, all of it', async () => {
  const others = customers.map((number) => 10 + number);
  const batch = others.map((number) => long(number, () => undefined));

  // Longer than nothing is what the first has taken.
  const results = await submit(batch, { longestDecidingMs: LONG_MS / 2 });
  expect(results.at(0)).toMatchObject({ ok: true });
  expect(results.slice(1)).toEqual(others.slice(1).map(() => ({ ok: false, undone: 'unbegun' })));
  // Nothing has become of them: the next batch makes what they ask for.
  expect(await submit(batch.slice(1))).toMatchObject(others.slice(1).map(() => ({ ok: true })));
});
