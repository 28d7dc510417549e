import { describe, expect, test } from 'vitest';
import { createClock } from '../../src/db/clock.ts';

/** The database's time between two looks at it, by real clocks. */

describe('now', () => {
  test('goes on from what the database has said', () => {
    const clock = createClock();
    clock.observe(1_000_000);

    expect(clock.now()).toBeGreaterThanOrEqual(999_999);
    expect(clock.now()).toBeLessThan(1_005_000);
  });

  test('is not set back by an answer that took its time', () => {
    const clock = createClock();
    clock.observe(1_000_000);
    clock.observe(990_000);

    expect(clock.now()).toBeGreaterThanOrEqual(999_999);
  });

  test('follows a database whose clock was set back, after a few looks', () => {
    const clock = createClock();
    clock.observe(1_000_000);
    for (let look = 0; look < 8; look += 1) clock.observe(500_000);

    expect(clock.now()).toBeLessThan(505_000);
  });
});

describe('an alarm', () => {
  test('rings when its instant has come, and not before', async () => {
    const clock = createClock();
    clock.observe(1_000_000);
    const instant = clock.now() + 15;
    const rungAt = await new Promise<number>((resolve) => clock.at(instant, () => resolve(clock.now())));

    expect(rungAt).toBeGreaterThanOrEqual(instant);
  });

  test('that is called off, or further ahead than timers count, is silent when others ring', async () => {
    const clock = createClock();
    const rung: string[] = [];
    clock.at(clock.now() + 5, () => rung.push('called off'))();
    const callOff = clock.at(clock.now() + 2 ** 32, () => rung.push('far ahead'));
    await new Promise<void>((resolve) => clock.at(clock.now() + 20, resolve));
    callOff();

    expect(rung).toEqual([]);
  });
});
