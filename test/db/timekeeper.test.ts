import { describe, expect, test } from 'vitest';
import { createTimekeeper } from '../../src/db/timekeeper.ts';

/** The database's time between two looks at it, by real clocks. */

const asTold = (time: number) => time;

describe('now', () => {
  test('goes on from what the database has said', () => {
    const keeper = createTimekeeper(asTold);
    keeper.observe(1_000_000);

    expect(keeper.now()).toBeGreaterThanOrEqual(999_999);
    expect(keeper.now()).toBeLessThan(1_005_000);
  });

  test('is not set back by an answer that took its time', () => {
    const keeper = createTimekeeper(asTold);
    keeper.observe(1_000_000);
    keeper.observe(990_000);

    expect(keeper.now()).toBeGreaterThanOrEqual(999_999);
  });

  test('follows a database whose clock was set back, after a few looks', () => {
    const keeper = createTimekeeper(asTold);
    keeper.observe(1_000_000);
    for (let look = 0; look < 8; look += 1) keeper.observe(500_000);

    expect(keeper.now()).toBeLessThan(505_000);
  });
});

describe('an alarm', () => {
  test('rings when its instant has come, and not before', async () => {
    const keeper = createTimekeeper(asTold);
    keeper.observe(1_000_000);
    const instant = keeper.now() + 15;
    const rungAt = await new Promise<number>((resolve) => keeper.at(instant, () => resolve(keeper.now())));

    expect(rungAt).toBeGreaterThanOrEqual(instant);
  });

  test('that is called off, or further ahead than timers count, is silent when others ring', async () => {
    const keeper = createTimekeeper(asTold);
    const rung: string[] = [];
    keeper.at(keeper.now() + 5, () => rung.push('called off'))();
    const callOff = keeper.at(keeper.now() + 2 ** 32, () => rung.push('far ahead'));
    await new Promise<void>((resolve) => keeper.at(keeper.now() + 20, resolve));
    callOff();

    expect(rung).toEqual([]);
  });
});
