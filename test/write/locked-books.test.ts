import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/write/answer-one.ts';
import type { Manner } from '../../src/write/commit.ts';
import { createQueue } from '../../src/write/queue.ts';
import { aGrant } from '../support/builders.ts';
import { aSubmission } from '../support/submissions.ts';

/** Books that somebody else has locked, in a database that the test plays, and whose time passes only where it is waited. */

const databaseError = (code: string): Error => Object.assign(new Error(`database says ${code}`), { code });

/** What a batch that waits for a lock in vain takes, the first time and once it has waited before. */
const WAITS_MS: Readonly<Record<Manner, number>> = { first: 2_000, patient: 250, again: 20 };

/** `b2` is the second write of the book b. */
function played({ batchSize = 64, queueLimit = 1_000 } = {}) {
  const time = { now: 0 };
  /** Books that somebody else has locked; tables that somebody has; writes that are wrong. */
  const [locked, bad] = [new Set<string>(), new Set<string>()];
  /** Books that are free as soon as somebody waits for them. */
  const moments = new Set<string>();
  const database = { isHeld: false, isSlow: false };
  const tried: { readonly names: readonly string[]; readonly manner: Manner; readonly at: number }[] = [];
  const done: string[] = [];
  const pauses: (() => unknown)[] = [];
  const tries = new Map<number, () => unknown>();
  const queue = createQueue({
    batchSize,
    queueLimit,
    now: () => time.now,
    pause: async (ms) => {
      time.now += ms;
      pauses.shift()?.();
      // As long as others take who are at it.
      for (let i = 0; i < 20; i++) await Promise.resolve();
    },
    commit: async (submissions, manner) => {
      const names = submissions.map(({ command }) => (command as { grantId: string }).grantId);
      tried.push({ names, manner, at: time.now });
      tries.get(tried.length)?.();
      await Promise.resolve();
      const isLocked = (name: string) => locked.has(name[0]!);
      if (database.isSlow) {
        time.now += 30_000;
        throw databaseError('57014');
      }
      if (manner === 'patient') names.forEach((name) => moments.delete(name[0]!) && locked.delete(name[0]!));
      if (database.isHeld || (manner === 'patient' && names.some(isLocked))) {
        time.now += WAITS_MS[manner];
        throw databaseError('55P03');
      }
      if (names.some((name) => bad.has(name) && !isLocked(name))) throw databaseError('22021');
      return names.map((name): Result => {
        if (isLocked(name)) return { ok: false, undone: 'locked' };
        done.push(name);
        return { ok: true, message: `${name} done` };
      });
    },
  });
  const submit = (name: string, deadline?: number) =>
    queue.submit(
      aSubmission({
        command: aGrant({ grantId: name }),
        customerId: name[0]!,
        ...(deadline !== undefined && { deadline }),
      }),
    );
  return {
    queue,
    time,
    locked,
    moments,
    bad,
    database,
    tried,
    done,
    submit,
    all: (...names: string[]) => Promise.allSettled(names.map((name) => submit(name))),
    /** What happens just before the queue commits for the so-manieth time. */
    beforeTry: (nth: number, then: () => unknown) => void tries.set(nth, then),
    /** What happens once the queue has paused so often. */
    afterPauses(count: number, then: () => unknown): void {
      pauses.push(...Array.from({ length: count - 1 }, () => () => undefined), then);
    },
  };
}

const fulfilled = (...names: string[]) =>
  names.map((name) => ({ status: 'fulfilled', value: `${name} done` }));
const conflict = expect.objectContaining({
  refusal: {
    reason: 'CONFLICT',
    message: "somebody else holds the customer's book; nothing was written",
    metadata: {},
  },
});

describe('a batch', () => {
  test('goes on without a book that somebody else has locked, whose caller alone is told CONFLICT', async () => {
    const { all, locked, time, done } = played();
    locked.add('b');
    const results = await all('a1', 'b1', 'c1');

    expect(results).toEqual([
      ...fulfilled('a1'),
      { status: 'rejected', reason: conflict },
      ...fulfilled('c1'),
    ]);
    expect(done).toEqual(['a1', 'c1']);
    expect(time.now).toBeGreaterThanOrEqual(1_000);
    expect(time.now).toBeLessThan(1_300);
  });

  test('is tried once for those that are free: nothing is tried again for their sake', async () => {
    const { all, locked, tried } = played();
    locked.add('b');
    await all('a1', 'b1', 'c1');

    expect(tried[0]).toEqual({ names: ['a1', 'b1', 'c1'], manner: 'first', at: 0 });
    expect(new Set(tried.slice(1).map(({ names }) => names.join()))).toEqual(new Set(['b1']));
  });

  test('of locked books only leaves the way to others, who never wait for it', async () => {
    const { submit, all, locked, tried, time } = played({ batchSize: 2 });
    locked.add('b');
    const stuck = all(...Array.from({ length: 50 }, (_, i) => `b${i}`));
    for (let i = 0; i < 5; i++) await submit(`c${i}`);

    const first = tried.filter(({ manner }) => manner === 'first').map(({ names }) => names.join());
    expect(first).toEqual(['b0,b1', 'c0', 'c1', 'c2', 'c3', 'c4']);
    expect(await stuck).toEqual(Array.from({ length: 50 }, () => ({ status: 'rejected', reason: conflict })));
    expect(time.now).toBeLessThan(1_300);
  });

  test('that waits for a table is split, but does not wait for each piece: all are told', async () => {
    const { all, database, time, tried } = played();
    database.isHeld = true;
    const results = await all(...Array.from({ length: 64 }, (_, i) => `${String.fromCharCode(97 + i)}1`));

    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(tried.filter(({ manner }) => manner === 'first')).toHaveLength(1);
    expect(time.now).toBeLessThan(WAITS_MS.first + 1_300);
  });

  test('that runs into its time limit does not do so piece by piece', async () => {
    const { all, database, tried } = played();
    database.isSlow = true;
    await all('a1', 'b1', 'c1', 'd1', 'e1', 'f1', 'g1', 'h1');

    expect(tried.map(({ names }) => names.length)).toEqual([8, 4, 4]);
  });
});

describe('a locked book', () => {
  test('is had as soon as it is free, and its writes are done in their order', async () => {
    const { all, submit, locked, done, time, afterPauses } = played({ batchSize: 4 });
    locked.add('b');
    const first = all('b1', 'b2', 'b3', 'b4', 'b5', 'b6');
    afterPauses(2, () => void submit('b7'));
    afterPauses(1, () => locked.clear());
    await first;
    await submit('b8');

    expect(done).toEqual(['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8']);
    expect(time.now).toBeLessThan(400);
  });

  test('keeps the order of its writes where its batch is split, too', async () => {
    const { all, locked, bad, done, tried, beforeTry } = played();
    bad.add('x');
    locked.add('b');
    // It is free just before the second half is tried.
    beforeTry(5, () => locked.clear());
    await all('b1', 'x', 'b2', 'c1');

    expect(tried.map(({ names }) => names.join())).toEqual(['b1,x,b2,c1', 'b1,x', 'b1', 'x', 'c1', 'b1,b2']);
    expect(done).toEqual(['c1', 'b1', 'b2']);
  });

  test('is waited for by each for a second of its own, not for what others have waited', async () => {
    const { submit, locked, time, afterPauses } = played();
    locked.add('b');
    const ends: number[] = [];
    const ended = (name: string) => submit(name).catch(() => ends.push(time.now));
    let second: Promise<unknown> | undefined;
    afterPauses(20, () => (second = ended('b2')));
    const came = ended('b1');
    await came;
    await second;

    expect(ends).toHaveLength(2);
    expect(ends[1]! - ends[0]!).toBeGreaterThan(300);
    expect(ends[1]).toBeLessThan(2_000);
  });

  test('is not waited for by those whose book is only in use for a moment', async () => {
    const { all, submit, locked, moments, tried, afterPauses } = played();
    locked.add('b');
    const stuck = all('b1');
    let moment: Promise<unknown> | undefined;
    afterPauses(3, () => {
      locked.add('d');
      moments.add('d');
      moment = submit('d1');
    });
    await stuck;
    expect(await moment).toBe('d1 done');

    const patient = tried.filter(({ manner }) => manner === 'patient').map(({ names }) => names.join());
    expect(patient).toEqual(['b1', 'd1']);
  });

  test('does not outlast the deadline of a caller, and what was refused is never done', async () => {
    const { submit, locked, time, done, queue } = played();
    locked.add('b');
    await expect(submit('b1', 300)).rejects.toEqual(conflict);

    expect(time.now).toBeLessThan(600);
    locked.clear();
    await submit('b2');
    await queue.drain();
    expect(done).toEqual(['b2']);
  });

  test('takes no room in line from others; past a bound of their own its callers are told CONFLICT at once', async () => {
    const { submit, all, locked, afterPauses } = played({ queueLimit: 2, batchSize: 2 });
    locked.add('b');
    let seen: Promise<unknown>[] = [];
    afterPauses(3, () => {
      seen = [all('b3'), all('c1', 'd1')];
      // They are in line now, where there is no room for more of other books either.
      seen.push(submit('e1').catch((error: unknown) => error));
    });
    await all('b1', 'b2');

    expect(await seen[0]).toEqual([{ status: 'rejected', reason: conflict }]);
    expect(await seen[1]).toEqual(fulfilled('c1', 'd1'));
    expect(await seen[2]).toMatchObject({ refusal: { reason: 'OVERLOADED' } });
  });

  test('tells nothing about how long others would wait', async () => {
    const { submit, all, locked, queue, time, afterPauses } = played();
    locked.add('b');
    let seen: unknown;
    afterPauses(10, () => {
      try {
        queue.assertInTime(1, time.now + 1);
        seen = submit('c1', time.now + 1);
      } catch (error) {
        seen = error;
      }
    });
    await all('b1', 'b2');

    expect(await seen).toBe('c1 done');
  });

  test('does not keep a queue from being drained: its writes are done or refused first', async () => {
    const { all, locked, queue, time } = played();
    locked.add('b');
    const stuck = all('b1');
    await queue.drain();

    expect(time.now).toBeLessThan(1_300);
    expect(await stuck).toEqual([{ status: 'rejected', reason: conflict }]);
  });

  test('that is had is like any other again', async () => {
    const { all, submit, locked, tried, afterPauses } = played();
    locked.add('b');
    afterPauses(2, () => locked.clear());
    await all('b1');
    await submit('b2');

    expect(tried.at(-1)).toMatchObject({ names: ['b2'], manner: 'first' });
  });
});

test('a lot of locked books are all tried', async () => {
  const { all, locked, tried } = played({ batchSize: 4 });
  const books = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));
  for (const book of books) locked.add(book);
  await all(...books.flatMap((book) => [`${book}1`, `${book}2`]));

  for (const book of books) {
    const again = tried.filter(({ manner, names }) => manner !== 'first' && names.includes(`${book}1`));
    expect(again.length).toBeGreaterThanOrEqual(2);
  }
});
