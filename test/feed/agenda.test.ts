import { expect, test } from 'vitest';
import { createAgenda } from '../../src/feed/agenda.ts';

const ALL = [0, 1, 2];

test('all are due at once, and then every poll', () => {
  const agenda = createAgenda(ALL, 1_000);
  expect(agenda.take(0)).toEqual({ all: true, shards: ALL });
  expect(agenda.nextIn(0)).toBe(1_000);
  expect(agenda.nextIn(400)).toBe(600);
  expect(agenda.take(999)).toEqual({ all: false, shards: [] });
  expect(agenda.take(1_000)).toEqual({ all: true, shards: ALL });
});

test('what is wanted is looked at soon, once', () => {
  const agenda = createAgenda(ALL, 1_000);
  agenda.take(0);
  agenda.want([2, 2]);
  expect(agenda.nextIn(0)).toBe(10);
  expect(agenda.take(10)).toEqual({ all: false, shards: [2] });
  expect(agenda.take(20).shards).toEqual([]);
});

test('looks that show nothing new are farther and farther apart, up to a poll', () => {
  const agenda = createAgenda(ALL, 100);
  agenda.take(0);
  const waits = Array.from({ length: 5 }, () => {
    agenda.want([1]);
    const wait = agenda.nextIn(0);
    agenda.seen(false);
    return wait;
  });
  expect(waits).toEqual([10, 20, 40, 80, 100]);
  agenda.seen(true);
  expect(agenda.nextIn(0)).toBe(10);
});

test('what could not be looked at stays due', () => {
  const agenda = createAgenda(ALL, 1_000);
  const { shards } = agenda.take(0);
  agenda.putBack(shards);
  expect(agenda.nextIn(0)).toBe(20);
  expect(agenda.take(20)).toEqual({ all: true, shards: ALL });
});

test('all that are wanted while all are being looked at are looked at again', () => {
  const agenda = createAgenda(ALL, 1_000);
  agenda.take(0);
  agenda.wantAll();
  expect(agenda.take(1)).toEqual({ all: true, shards: ALL });
});
