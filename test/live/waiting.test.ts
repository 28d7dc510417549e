import { describe, expect, test } from 'vitest';
import { createBell } from '../../src/live/bell.ts';
import { createHeartbeats } from '../../src/live/heartbeats.ts';
import { createLoop } from '../../src/live/loop.ts';
import { createStreamSlots } from '../../src/live/stream-slots.ts';
import { createWatchdog } from '../../src/live/watchdog.ts';
import { testClock } from '../support/clock.ts';

/** What everything that waits is made of, by a clock that is moved by hand. */

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a bell', () => {
  test('that was rung before is heard at once, and once', async () => {
    const time = testClock();
    const bell = createBell(time.clock);
    bell.ring();
    bell.ring();
    await bell.heard();
    const again = bell.heard(10).then(() => 'in time');
    await turn();
    time.pass(10);

    expect(await again).toBe('in time');
  });
});

describe('a loop', () => {
  /** A loop whose work ends when a test says so; `begun` tells when each began. */
  function aLoop(breathMs: number) {
    const time = testClock(0);
    const begun: number[] = [];
    let end = () => {};
    const loop = createLoop(time.clock, breathMs, () => {
      begun.push(time.now);
      return new Promise<void>((resolve) => (end = resolve));
    });
    const over = async () => {
      end();
      await turn();
    };
    return { time, begun, loop, over };
  }

  test('begins when it is wanted, the sooner of two', () => {
    const { time, begun, loop } = aLoop(0);
    loop.within(100);
    loop.within(30);
    loop.within(50);
    time.now = 29;
    expect(begun).toEqual([]);
    time.now = 200;
    expect(begun).toEqual([200]);
  });

  test('never begins while it is under way, and then takes a breath', async () => {
    const { time, begun, loop, over } = aLoop(10);
    loop.within(0);
    await turn();
    loop.within(0);
    time.now = 50;
    expect(begun).toEqual([0]);
    await over();
    time.now = 59;
    expect(begun).toEqual([0]);
    time.now = 60;
    expect(begun).toEqual([0, 60]);
  });

  test('that is stopped waits for what is under way, and never begins again', async () => {
    const { time, begun, loop, over } = aLoop(0);
    loop.within(0);
    await turn();
    loop.within(0);
    const told: string[] = [];
    const stopped = loop.stop().then(() => told.push('stopped'));
    await turn();
    expect(told).toEqual([]);
    await over();
    await stopped;
    loop.within(0);
    time.now = 100;
    expect(begun).toEqual([0]);
  });
});

describe('heartbeats', () => {
  test('call upon each that was not heard of for so long, again and again, until it is forgotten', () => {
    const time = testClock(0);
    const called: string[] = [];
    const heartbeats = createHeartbeats<string>(time.clock, 10, (item) => called.push(`${item} ${time.now}`));
    heartbeats.heard('a');
    time.now = 4;
    heartbeats.heard('b');
    time.now = 8;
    heartbeats.heard('a');
    for (time.now = 9; time.now < 25; time.now += 1);
    heartbeats.forget('b');
    for (; time.now < 30; time.now += 1);

    expect(called).toEqual(['b 14', 'a 18', 'b 24', 'a 28']);
  });
});

describe('a watchdog', () => {
  function aWatchdog() {
    const time = testClock(0);
    const reasons: Error[] = [];
    const watchdog = createWatchdog(time.clock, {
      longestMs: 5_000,
      words: 'gone',
      onSilence: (reason) => reasons.push(reason),
    });
    return { time, reasons, watchdog };
  }

  test('counts from the first question without an answer, and not while it asks nothing', async () => {
    const { time, reasons, watchdog } = aWatchdog();
    watchdog.asked();
    watchdog.answered();
    time.now += 86_400_000;
    watchdog.asked();
    time.now += 4_000;
    watchdog.asked();
    time.now += 999;
    await turn();
    expect(reasons).toEqual([]);
    watchdog.assertAnswered();
    time.now += 1;
    await turn();
    expect(reasons).toMatchObject([{ refusal: { reason: 'DATABASE_UNAVAILABLE', message: 'gone' } }]);
    expect(() => watchdog.assertAnswered()).toThrow('gone');
  });

  test('barks again for those who have come meanwhile, and is quiet once there is an answer', async () => {
    const { time, reasons, watchdog } = aWatchdog();
    watchdog.asked();
    time.now += 5_000;
    await turn();
    time.now += 5_000;
    await turn();
    expect(reasons).toHaveLength(2);
    watchdog.answered();
    time.now += 86_400_000;
    await turn();
    expect(reasons).toHaveLength(2);
    watchdog.assertAnswered();
  });

  test('tells a fault that is no matter of reaching the database as it is', async () => {
    const { time, reasons, watchdog } = aWatchdog();
    const fault = new Error('a bug');
    watchdog.failed(fault);
    time.now += 5_000;
    await turn();
    expect(reasons).toEqual([fault]);
    watchdog.failed(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    expect(() => watchdog.assertAnswered()).toThrow('gone');
  });
});

describe('a watchdog whose process was held up', () => {
  test('hears the answer that was there before it barks', async () => {
    const time = testClock(0);
    const reasons: Error[] = [];
    const onSilence = (reason: Error) => reasons.push(reason);
    const watchdog = createWatchdog(time.clock, { longestMs: 5_000, words: 'gone', onSilence });
    watchdog.asked();
    time.now += 60_000;
    watchdog.answered();
    await turn();

    expect(reasons).toEqual([]);
  });
});

describe('stream slots', () => {
  test('are so many, and freed once', () => {
    const slots = createStreamSlots(2, 'all are taken');
    const free = slots.enter();
    slots.enter();
    expect(() => slots.enter()).toThrow('all are taken');
    free();
    free();
    slots.enter();
    expect(slots.taken()).toBe(2);
    expect(() => slots.enter()).toThrow('all are taken');
  });
});
