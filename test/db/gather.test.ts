import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { gather } from '../../src/db/gather.ts';

/** Rounds that the test answers, or fails, by hand. */
function controlled(options: { atOnce: number; most: number }) {
  const rounds: { questions: readonly string[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const gathered = gather<string, string>(
    (questions) =>
      new Promise((resolve, reject) =>
        rounds.push({ questions, answer: () => resolve(questions.map((q) => `${q}!`)), fail: reject }),
      ),
    options,
  );
  const nobodyLeaves = new AbortController().signal;
  return { ask: (question: string, signal = nobodyLeaves) => gathered(question, signal), rounds };
}

/** Lets everything that is ready go on: what has been answered, and a turn later the round after it. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 2; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('questions that arrive together', () => {
  test('are asked in one round, and each gets its own answer', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 10 });
    const answers = Promise.all(['a', 'b', 'c'].map((question) => ask(question)));
    await settle();

    expect(rounds.map(({ questions }) => questions)).toEqual([['a', 'b', 'c']]);
    rounds[0]!.answer();
    expect(await answers).toEqual(['a!', 'b!', 'c!']);
  });

  test('are asked one by one when their round fails, so that the fault of one is its own', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 2 });
    const answers = Promise.allSettled(['a', 'b', 'c'].map((question) => ask(question)));
    for (const outcome of ['fail', 'answer', 'fail', 'answer'] as const) {
      await settle();
      rounds.at(-1)![outcome](new Error('lost'));
    }

    expect(rounds.map(({ questions }) => questions)).toEqual([['a', 'b'], ['a'], ['b'], ['c']]);
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

test('a round waits for what comes in the same turn of the loop', async () => {
  const { ask, rounds } = controlled({ atOnce: 1, most: 10 });
  const first = ask('a');
  await Promise.resolve();
  const second = new Promise((resolve) => process.nextTick(() => resolve(ask('b'))));
  await settle();

  expect(rounds.map(({ questions }) => questions)).toEqual([['a', 'b']]);
  rounds[0]!.answer();
  expect(await Promise.all([first, second])).toEqual(['a!', 'b!']);
});

test('a round is done for the first who asks it, whoever began the one before', async () => {
  const asker = new AsyncLocalStorage<string>();
  const askers: (string | undefined)[] = [];
  const ask = gather<string, string>(
    async (questions) => {
      askers.push(asker.getStore());
      return questions;
    },
    { atOnce: 1, most: 2 },
  );
  const { signal } = new AbortController();
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => asker.run(name, () => ask(name, signal))));
  expect(askers).toEqual(['a', 'c', 'e']);
});

describe('while a round is under way', () => {
  test('what comes gathers for the next one', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 10 });
    void ask('a');
    await settle();
    void ask('b');
    void ask('c');
    await settle();
    expect(rounds).toHaveLength(1);

    rounds[0]!.answer();
    await settle();
    expect(rounds[1]!.questions).toEqual(['b', 'c']);
  });

  test('another may begin, up to as many as are allowed at once', async () => {
    const { ask, rounds } = controlled({ atOnce: 2, most: 10 });
    for (const question of ['a', 'b', 'c', 'd']) {
      void ask(question);
      await settle();
    }

    expect(rounds.map(({ questions }) => questions)).toEqual([['a'], ['b']]);
    rounds[1]!.answer();
    await settle();
    expect(rounds[2]!.questions).toEqual(['c', 'd']);
  });
});

test('no round asks more than allowed', async () => {
  const { ask, rounds } = controlled({ atOnce: 5, most: 2 });
  for (const question of ['a', 'b', 'c']) void ask(question);
  await settle();
  for (const { answer } of Array.from(rounds)) answer();
  await settle();

  expect(rounds.every(({ questions }) => questions.length <= 2)).toBe(true);
  expect(rounds.flatMap(({ questions }) => questions).toSorted()).toEqual(['a', 'b', 'c']);
});

describe('a round that fails', () => {
  const unavailable = Object.assign(new Error('lost'), { code: '08006' });

  test('by a fault is halved until the question at fault stands alone', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 4 });
    const answers = Promise.allSettled(['a', 'b', 'c', 'd'].map((question) => ask(question)));
    for (let seen = 0; seen < 5; seen += 1) {
      await settle();
      const { questions, answer, fail } = rounds.at(-1)!;
      if (questions.includes('c')) fail(new Error('no such thing'));
      else answer();
    }

    expect((await answers).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(rounds.map(({ questions }) => questions.join(''))).toEqual(['abcd', 'ab', 'cd', 'c', 'd']);
  });

  test('because the database cannot do it now is not asked again', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 4 });
    const answers = Promise.allSettled(['a', 'b', 'c'].map((question) => ask(question)));
    await settle();
    rounds[0]!.fail(unavailable);

    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(rounds).toHaveLength(1);
  });
});

test('a question whose asker has left is not asked', async () => {
  const { ask, rounds } = controlled({ atOnce: 1, most: 4 });
  const leaving = new AbortController();
  void ask('a');
  await settle();
  const left = ask('b', leaving.signal);
  const stays = ask('c');
  leaving.abort(new Error('gone'));
  rounds[0]!.answer();

  await expect(left).rejects.toThrow('gone');
  await settle();
  expect(rounds[1]!.questions).toEqual(['c']);
  rounds[1]!.answer();
  expect(await stays).toBe('c!');
});
