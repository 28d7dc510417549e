import { describe, expect, it } from 'vitest';
import { ALWAYS, EARLIEST, earlier, formatInstant, later, LATEST, NEVER } from '../src/instant.ts';

describe('an instant', () => {
  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [1_767_225_600_001, '2026-01-01T00:00:00.001Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [EARLIEST, '0001-01-01T00:00:00.000Z'],
    [LATEST, '9999-12-31T23:59:59.999Z'],
    [NEVER, 'never'],
  ])('%d reads %s', (instant, text) => {
    expect(formatInstant(instant)).toBe(text);
  });

  it('lies between always and never', () => {
    expect(later(ALWAYS, EARLIEST)).toBe(EARLIEST);
    expect(earlier(LATEST, NEVER)).toBe(LATEST);
    expect(earlier(1, 2)).toBe(1);
    expect(later(1, 2)).toBe(2);
  });
});
