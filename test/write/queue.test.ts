import { describe, expect, test } from 'vitest';
import { createQueue } from '../../src/write/queue.ts';
import { RefusalError } from '../../src/refusal.ts';
import { controlled, nameOf, noPause, NOW, refusal } from '../support/played-queue.ts';
import { aNamed } from '../support/submissions.ts';

/** Group commit, with a database that the test plays itself. What becomes of batches that fail: failing-batches.test.ts. */

describe('group commit', () => {
  test('gathers the next batch while one is in the database', async () => {
    const { submit, next } = controlled();
    const first = submit('a');
    const batch = await next();
    const gathered = ['b', 'c', 'd'].map((name) => submit(name));
    batch.answer();

    expect(await first).toBe('a done');
    const following = await next();
    expect(following.names).toEqual(['b', 'c', 'd']);
    following.answer();
    expect(await Promise.all(gathered)).toEqual(['b done', 'c done', 'd done']);
  });

  test('takes what arrives together into one batch, in the order of arrival', async () => {
    const { submit, next } = controlled();
    const all = ['a', 'b', 'c'].map((name) => submit(name));
    const batch = await next();
    batch.answer();
    await Promise.all(all);

    expect(batch.names).toEqual(['a', 'b', 'c']);
  });

  test('puts no more than the batch size into one transaction', async () => {
    const { submit, next } = controlled({ batchSize: 2 });
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => submit(name));
    const sizes = [];
    for (let i = 0; i < 3; i++) {
      const batch = await next();
      sizes.push(batch.names.length);
      batch.answer();
    }
    await Promise.all(all);

    expect(sizes).toEqual([2, 2, 1]);
  });

  test('begins a full batch beside the one that is in the database, and no third', async () => {
    const { submit, next, unseen } = controlled({ batchSize: 2 });
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => submit(name));
    const [first, second] = [await next(), await next()];
    await Promise.resolve();

    expect([first.names, second.names, unseen()]).toEqual([['a', 'b'], ['c', 'd'], 0]);
    second.answer();
    const third = await next();
    expect(third.names).toEqual(['e', 'f']);
    for (const batch of [first, third]) batch.answer();
    await Promise.all(all);
  });

  test('begins the next batch with what one has left undone for want of time, each book in its order', async () => {
    const tried: string[] = [];
    const queue = createQueue({
      batchSize: 4,
      queueLimit: 100,
      now: () => NOW,
      pause: noPause,
      commit: async (submissions) => {
        tried.push(submissions.map(nameOf).join(''));
        await Promise.resolve();
        return submissions.map((one, i) =>
          i < 2 ? { ok: true, message: nameOf(one) } : { ok: false, undone: 'unbegun' },
        );
      },
    });
    const told: unknown[] = [];
    await Promise.all(
      ['a', 'b', 'a', 'c', 'a', 'd', 'b'].map(async (name) => told.push(await queue.submit(aNamed(name)))),
    );

    expect(tried).toEqual(['abac', 'acad', 'adb', 'b']);
    expect(told).toEqual(['a', 'b', 'a', 'c', 'a', 'd', 'b']);
    await queue.drain();
  });

  test('has no book in two batches at a time, and keeps the order of its writes', async () => {
    const { submit, next, unseen } = controlled({ batchSize: 2 });
    const first = submit('a');
    const one = await next();
    const all = ['a', 'a', 'b', 'a', 'c', 'b'].map((name) => submit(name));
    const beside = await next();

    expect(beside.names).toEqual(['b', 'c']);
    one.answer();
    await first;
    const again = await next();
    expect(again.names).toEqual(['a', 'a']);
    expect(unseen()).toBe(0);
    for (const batch of [beside, again]) batch.answer();
    const last = await next();
    expect(last.names).toEqual(['a', 'b']);
    last.answer();
    await Promise.all(all);
  });

  test('gives each caller its own result: a refusal concerns one alone', async () => {
    const refused = new RefusalError({
      reason: 'GRANT_EXPIRED',
      message: 'too late',
      metadata: { id: 'grt_1', state: 'EXPIRED' },
    });
    const queue = createQueue({
      batchSize: 64,
      queueLimit: 100,
      now: () => NOW,
      pause: noPause,
      commit: async (submissions) =>
        submissions.map((one) =>
          nameOf(one) === 'b' ? { ok: false, error: refused } : { ok: true, message: nameOf(one) },
        ),
    });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => queue.submit(aNamed(name))));

    expect(results).toEqual([
      { status: 'fulfilled', value: 'a' },
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: 'c' },
    ]);
  });
});

describe('bounds', () => {
  test('a full queue answers OVERLOADED at once, with the limit', async () => {
    const { submit, next } = controlled({ queueLimit: 2 });
    const first = submit('a');
    const batch = await next();
    const waiting = [submit('b'), submit('c')];

    await expect(submit('d')).rejects.toEqual(refusal('OVERLOADED', { metadata: { limit: '2' } }));
    batch.answer();
    (await next()).answer();
    expect(await Promise.all([first, ...waiting])).toEqual(['a done', 'b done', 'c done']);
  });

  describe('of time', () => {
    /** A queue whose first batch has taken so long, and whose second is under way. */
    async function paced(tookMs: number) {
      const clock = { now: 1_000 };
      const world = controlled({ batchSize: 2, now: () => clock.now });
      const first = world.submit('first');
      const batch = await world.next();
      clock.now += 2 * tookMs;
      const second = world.submit('second');
      batch.answer();
      const underWay = await world.next();
      return { ...world, clock, done: Promise.all([first, second]), underWay };
    }

    test('what would not be done by its deadline is refused at once, and takes no place', async () => {
      const { submit, next, queue, done, underWay } = await paced(100);
      const waiting = [submit('a', 1_400), submit('b', 1_400)];

      // The two batches under way, that of a and b among them, and one more: 300 ms from 1,200 on.
      await expect(submit('c', 1_499)).rejects.toEqual(refusal('OVERLOADED', { metadata: { limit: '0' } }));
      expect(() => queue.assertInTime(3, 1_599)).toThrow('past its deadline');
      expect(() => queue.assertInTime(3, 1_600)).not.toThrow();
      expect(() => queue.assertInTime(100, Infinity)).not.toThrow();
      const third = submit('d', 1_500);
      underWay.answer();
      (await next()).answer();
      (await next()).answer();
      expect(await Promise.all([done, ...waiting, third])).toEqual([
        ['first done', 'second done'],
        'a done',
        'b done',
        'd done',
      ]);
    });

    test('an idle queue begins at once, however slow it was', async () => {
      const { submit, next, queue, done, underWay, clock } = await paced(60_000);
      underWay.answer();
      await done;
      await Promise.resolve();

      expect(() => queue.assertInTime(1, clock.now + 1)).not.toThrow();
      const only = submit('only', clock.now + 1);
      (await next()).answer();
      expect(await only).toBe('only done');
    });
  });

  test('there is room again once the waiting have been taken', async () => {
    const { submit, next } = controlled({ queueLimit: 1 });
    const first = submit('a');
    const batch = await next();
    const second = submit('b');
    await expect(submit('c')).rejects.toEqual(refusal('OVERLOADED'));
    batch.answer();
    const following = await next();
    const third = submit('c');
    following.answer();
    (await next()).answer();

    expect(await Promise.all([first, second, third])).toEqual(['a done', 'b done', 'c done']);
  });

  test('what has waited past its deadline is answered OVERLOADED and never executed', async () => {
    const { submit, next } = controlled();
    const first = submit('a');
    const batch = await next();
    const late = Promise.allSettled([submit('late', NOW - 1)]);
    const patient = submit('patient', NOW + 60_000);
    batch.answer();
    const following = await next();
    following.answer();

    expect(await late).toEqual([{ status: 'rejected', reason: refusal('OVERLOADED') }]);
    expect(following.names).toEqual(['patient']);
    expect(await Promise.all([first, patient])).toEqual(['a done', 'patient done']);
  });

  test('a batch of which nothing is wanted any more is not committed', async () => {
    const { queue, submit, unseen } = controlled();

    await expect(submit('late', NOW - 1)).rejects.toEqual(refusal('OVERLOADED'));
    await queue.drain();
    expect(unseen()).toBe(0);
  });
});

describe('draining', () => {
  test('refuses what comes, and resolves when all that waits is done', async () => {
    const { queue, submit, next } = controlled();
    const first = submit('a');
    const batch = await next();
    const second = submit('b');
    let drained = false;
    const draining = queue.drain().then(() => (drained = true));

    await expect(submit('c')).rejects.toEqual(refusal('SHUTTING_DOWN'));
    batch.answer();
    const last = await next();
    expect(drained).toBe(false);
    last.answer();
    await draining;
    expect(await Promise.all([first, second])).toEqual(['a done', 'b done']);
  });

  test('an idle queue is drained at once', async () => {
    const { queue } = controlled();

    await queue.drain();
    await expect(queue.submit(aNamed('a'))).rejects.toEqual(refusal('SHUTTING_DOWN'));
  });
});
