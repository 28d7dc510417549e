import { expect, test } from 'vitest';
import { createSchedule } from '../../src/feed/schedule.ts';

const ALL = [0, 1, 2];

test('all are due at once, and then every poll', () => {
  const schedule = createSchedule(ALL, 1_000);
  expect(schedule.take(0)).toEqual({ all: true, shards: ALL });
  expect(schedule.nextIn(0)).toBe(1_000);
  expect(schedule.nextIn(400)).toBe(600);
  expect(schedule.take(999)).toEqual({ all: false, shards: [] });
  expect(schedule.take(1_000)).toEqual({ all: true, shards: ALL });
});

test('what is wanted is looked at soon, once', () => {
  const schedule = createSchedule(ALL, 1_000);
  schedule.take(0);
  schedule.want([2, 2]);
  expect(schedule.nextIn(0)).toBe(10);
  expect(schedule.take(10)).toEqual({ all: false, shards: [2] });
  expect(schedule.take(20).shards).toEqual([]);
});

test('looks that show nothing new are farther and farther apart, up to a poll', () => {
  const schedule = createSchedule(ALL, 100);
  schedule.take(0);
  const waits = Array.from({ length: 5 }, () => {
    schedule.want([1]);
    const wait = schedule.nextIn(0);
    schedule.seen(false);
    return wait;
  });
  expect(waits).toEqual([10, 20, 40, 80, 100]);
  schedule.seen(true);
  expect(schedule.nextIn(0)).toBe(10);
});

test('what could not be looked at stays due', () => {
  const schedule = createSchedule(ALL, 1_000);
  const { shards } = schedule.take(0);
  schedule.putBack(shards);
  expect(schedule.nextIn(0)).toBe(20);
  expect(schedule.take(20)).toEqual({ all: true, shards: ALL });
});

test('all that are wanted while all are being looked at are looked at again', () => {
  const schedule = createSchedule(ALL, 1_000);
  schedule.take(0);
  schedule.wantAll();
  expect(schedule.take(1)).toEqual({ all: true, shards: ALL });
});
