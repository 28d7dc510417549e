import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEVER } from '../../src/instant.ts';
import { createAgenda } from '../../src/live/agenda.ts';
import { testClock } from '../support/clock.ts';

/** What is due when, with one alarm for all. */

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('an agenda', () => {
  test('calls each item at its instant, the earliest first, and once', () => {
    const time = testClock(0);
    const called: string[] = [];
    const agenda = createAgenda<string>(time.clock, (item) => called.push(item));
    agenda.set('late', 30);
    agenda.set('soon', 10);
    agenda.set('moved', 20);
    agenda.set('moved', 5);
    agenda.set('called off', 15);
    agenda.set('called off', NEVER);
    time.now = 9;
    expect(called).toEqual(['moved']);
    time.now = 29;
    expect(called).toEqual(['moved', 'soon']);
    time.now = 40;
    expect(called).toEqual(['moved', 'soon', 'late']);
  });

  test('takes an item back that is set again while it is called', () => {
    const time = testClock(0);
    const called: number[] = [];
    const agenda = createAgenda<string>(time.clock, (item) => {
      called.push(time.now);
      if (called.length < 3) agenda.set(item, time.now + 10);
    });
    agenda.set('again', 10);
    for (time.now = 1; time.now < 50; time.now += 1);

    expect(called).toEqual([10, 20, 30]);
  });

  test('lets others have a turn when very much is due at once', async () => {
    const time = testClock(0);
    const called = new Set<number>();
    const agenda = createAgenda<number>(time.clock, (item) => called.add(item));
    for (let item = 0; item < 1_000; item += 1) agenda.set(item, 10);
    time.now = 10;
    const atOnce = called.size;
    while (called.size < 1_000) await turn();

    expect(atOnce).toBeLessThan(200);
  });

  test('keeps what was set last, whatever was set before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.option(fc.nat(50))), { maxLength: 600 }), (sets) => {
        const time = testClock(-1);
        const called: (readonly [number, number])[] = [];
        const agenda = createAgenda<number>(time.clock, (item) => called.push([item, time.now]));
        for (const [item, at] of sets) agenda.set(item, at ?? NEVER);
        for (time.now = 0; time.now <= 50; time.now += 1);

        const last = [...new Map(sets)].filter(([, at]) => at !== null);
        expect(new Map(called)).toEqual(new Map(last as [number, number][]));
        expect(called).toHaveLength(last.length);
      }),
      { seed: 20_260_101, numRuns: 60 },
    );
  });
});
