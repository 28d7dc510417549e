import { describe, expect, test } from 'vitest';
import { createComparison, type Block } from './support/shown.ts';

/** The tests of pages would notice a page that says what is not so. */

const id = (digit: string): string => `grt_${digit.repeat(32)}`;
const pageOf = (language: string, text: string): Block => ({ language, words: [], text });

describe('an output that is not what a page shows', () => {
  const page = pageOf('json', `{ "id": "${id('a')}", "of": "${id('a')}", "amount": "1", … }`);

  test.each([
    ['in an amount', { id: id('b'), of: id('b'), amount: '2' }],
    ['in an id', { id: id('b'), of: id('c'), amount: '1' }],
    ['in a field that is missing', { id: id('b'), of: id('b') }],
  ])('is noticed: %s', (_, printed) => {
    const compared = createComparison().compare(page, JSON.stringify(printed));
    expect(compared.printed).not.toEqual(compared.shown);
  });

  test('is not one that says more than it shows', () => {
    const printed = { id: id('b'), of: id('b'), amount: '1', more: true };
    const compared = createComparison().compare(page, JSON.stringify(printed));
    expect(compared.printed).toEqual(compared.shown);
  });
});

describe('what a page leaves out', () => {
  test.each([
    ['the rest of a list', 'json', '{ "rows": [1, 2, …] }', '{ "rows": [1, 2, 3] }', '{ "rows": [1, 3, 2] }'],
    [
      'messages of a stream',
      'json',
      '{ "first": 1 }\n{ "last": 3 }',
      '{"first":1}\n{"next":2}\n{"last":3}',
      '{"first":1}',
    ],
    ['text', 'text', 'Code: A\n…\n"reason": "B"', 'Code: A (1.*)\n  "reason": "B"', 'Code: A\n"reason": "C"'],
  ])('may be anything, and nothing else may: %s', (_, language, page, alike, other) => {
    const same = createComparison().compare(pageOf(language, page), alike);
    expect(same.printed).toEqual(same.shown);
    const different = createComparison().compare(pageOf(language, page), other);
    expect(different.printed).not.toEqual(different.shown);
  });
});

test('instants are alike, unless a page asks for its own', () => {
  const page = pageOf('json', '{ "at": "2025-03-02T00:00:00Z" }');
  const printed = '{ "at": "2026-03-02T00:00:00Z" }';

  const alike = createComparison().compare(page, printed);
  expect(alike.printed).toEqual(alike.shown);
  const exact = createComparison('exact').compare(page, printed);
  expect(exact.printed).not.toEqual(exact.shown);
});

test('a command asks for what the service has named, where the page names another', () => {
  const { compare, asked } = createComparison();
  compare(pageOf('json', `{ "id": "${id('a')}" }`), `{ "id": "${id('b')}" }`);

  expect(asked(`GetGrant ${id('a')} ${id('c')}`)).toBe(`GetGrant ${id('b')} ${id('c')}`);
});
