import { describe, expect, test } from 'vitest';
import { gather } from '../../src/db/gather.ts';

/** Rounds that the test answers, or fails, by hand. */
function controlled(options: { atOnce: number; most: number }) {
  const rounds: { questions: readonly string[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const ask = gather<string, string>(
    (questions) =>
      new Promise((resolve, reject) =>
        rounds.push({ questions, answer: () => resolve(questions.map((q) => `${q}!`)), fail: reject }),
      ),
    options,
  );
  return { ask, rounds };
}

/** Lets everything that is ready go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('questions that arrive together', () => {
  test('are asked in one round, and each gets its own answer', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 10 });
    const answers = Promise.all(['a', 'b', 'c'].map(ask));
    await settle();

    expect(rounds.map(({ questions }) => questions)).toEqual([['a', 'b', 'c']]);
    rounds[0]!.answer();
    expect(await answers).toEqual(['a!', 'b!', 'c!']);
  });

  test('are asked one by one when their round fails, so that the fault of one is its own', async () => {
    const { ask, rounds } = controlled({ atOnce: 1, most: 2 });
    const answers = Promise.allSettled(['a', 'b', 'c'].map(ask));
    for (const outcome of ['fail', 'answer', 'fail', 'answer'] as const) {
      await settle();
      rounds.at(-1)![outcome](new Error('lost'));
    }

    expect(rounds.map(({ questions }) => questions)).toEqual([['a', 'b'], ['a'], ['b'], ['c']]);
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
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
