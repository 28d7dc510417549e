import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EARLIEST, LATEST, NEVER } from '../../src/instant.ts';
import {
  idPart,
  INSTANT,
  INSTANT_OR_NEVER,
  pageSizeOf,
  pageTokens,
  POSITION,
  textPart,
  VERSION,
  wordPart,
} from '../../src/rpc/page-token.ts';
import { sealOf } from '../../src/rpc/seal.ts';
import { ProbeRequestSchema } from './probe.ts';

const request = (init: MessageInitShape<typeof ProbeRequestSchema>) => create(ProbeRequestSchema, init);
const TOKENS = pageTokens(ProbeRequestSchema, { at: INSTANT, entry: idPart('ent') });
const cursor = { at: Date.UTC(2026, 0, 1), entry: `ent_${'0'.repeat(32)}` };

test.each([
  ['the same', {}],
  ['another page size', { pageSize: 7 }],
  ['another min_version', { minVersion: 9n }],
])('a token is good for the same question with %s', (_case, more) => {
  const pageToken = TOKENS.write(request({ name: 'Ada', pageToken: 'x' }), cursor);

  expect(TOKENS.read(request({ name: 'Ada', ...more, pageToken }))).toEqual(cursor);
});

test('no token means the first page', () => {
  expect(TOKENS.read(request({ name: 'Ada' }))).toBeUndefined();
});

test('the request is left as it was', () => {
  const asked = request({ name: 'Ada', pageSize: 3, pageToken: '' });
  TOKENS.write(asked, cursor);

  expect(asked).toEqual(request({ name: 'Ada', pageSize: 3 }));
});

/** The seal is no secret: a token that fits its question and holds what somebody made up. */
const forged = (body: string, name = 'Ada') =>
  sealOf(ProbeRequestSchema, request({ name }), new Set()).close(Buffer.from(body));
const good = TOKENS.write(request({ name: 'Ada' }), cursor);
const [at, entry] = [String(cursor.at), cursor.entry];

test('a token is what anybody can make up, if it says the same', () => {
  expect(forged(JSON.stringify([at, entry]))).toBe(good);
});

const mismatch = expect.objectContaining({
  refusal: expect.objectContaining({ reason: 'PAGE_TOKEN_MISMATCH' }) as unknown,
});

test.each([
  ['of another question', TOKENS.write(request({ name: 'Eve' }), cursor)],
  ['cut short', good.slice(0, -4)],
  ['of one letter', 'a'],
  ['with another cursor', `${good.slice(0, -2)}AA`],
  ['that is no base64url', 'ä'.repeat(30)],
  ['with rubbish behind it', `${good}!`],
  ['with rubbish in it', `${good.slice(0, 9)} ${good.slice(9)}`],
  ['in the other alphabet of base64', `${good}=`],
  ['that holds nothing', forged('')],
  ['that holds no JSON', forged('abc')],
  ['that holds no list', forged('{"at":1}')],
  ['that holds no texts', forged(`[${at},"${entry}"]`)],
  ['that holds an empty list', forged('[]')],
  ['that holds too little', forged(JSON.stringify([at]))],
  ['that holds too much', forged(JSON.stringify([at, entry, 'x']))],
  ['that holds the same with blanks', forged(`["${at}", "${entry}"]`)],
  [
    'that holds the same with escapes',
    forged(`["\\u00${at.charCodeAt(0).toString(16)}${at.slice(1)}","${entry}"]`),
  ],
  ['that holds the same and bytes that are no text', forged(JSON.stringify([at, entry])).slice(0, -1) + '_'],
  ['with a word for an instant', forged(JSON.stringify(['soon', entry]))],
  ['with another kind of id', forged(JSON.stringify([at, entry.replace('ent', 'grt')]))],
])('a token %s is a PAGE_TOKEN_MISMATCH', (_case, pageToken) => {
  expect(() => TOKENS.read(request({ name: 'Ada', pageToken }))).toThrow(mismatch);
});

/** The token of what was read from a request's, or why nothing was. */
function rewritten(asked: ReturnType<typeof request>): string {
  try {
    return TOKENS.write(asked, TOKENS.read(asked)!);
  } catch (error) {
    return (error as { refusal: { reason: string } }).refusal.reason;
  }
}

test('whatever a token holds is read as it would be written, or refused', () => {
  const text = fc.oneof(fc.string(), fc.integer().map(String), fc.constant(at), fc.constant(entry));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 }), (texts) => {
      const asked = request({ name: 'Ada', pageToken: forged(JSON.stringify(texts)) });
      expect(rewritten(asked)).toEqual(expect.toBeOneOf([asked.pageToken, 'PAGE_TOKEN_MISMATCH']));
    }),
  );
});

describe('of what a token holds', () => {
  test.each([
    ['an instant', INSTANT, ['0', String(EARLIEST), String(LATEST), '-1']],
    ['an instant that may never come', INSTANT_OR_NEVER, ['0', 'never']],
    ['a version', VERSION, ['0', '9007199254740991']],
    ['a position', POSITION, ['0', '2147483647']],
    ['an id', idPart('grt'), [`grt_${'9'.repeat(32)}`]],
    ['a text', textPart(/^[A-Z]+$/), ['USD']],
    ['a word', wordPart('older', 'newer'), ['older', 'newer']],
  ])('%s is read as written', (_case, part, texts) => {
    for (const text of texts) expect(part.write(part.read(text) as never)).toBe(text);
  });

  const wrong = [
    '',
    ' 1',
    '1.5',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    'never ',
    'abc',
    '9007199254740992',
    '9'.repeat(40),
  ];
  test.each([
    ['an instant', INSTANT, [...wrong, 'never', String(EARLIEST - 1), String(LATEST + 1)]],
    ['an instant that may never come', INSTANT_OR_NEVER, [...wrong, String(LATEST + 1)]],
    ['a version', VERSION, [...wrong, '-1']],
    ['a position', POSITION, [...wrong, '-1', '2147483648']],
    ['an id', idPart('grt'), [...wrong, 'grt_', `chg_${'9'.repeat(32)}`, `grt_${'9'.repeat(33)}`]],
    ['a text', textPart(/^[A-Z]+$/), [...wrong, 'USD\n']],
    ['a word', wordPart('older', 'newer'), [...wrong, 'Older']],
  ])('what is not %s is refused', (_case, part, texts) => {
    expect(texts.filter((text) => part.read(text) !== undefined)).toEqual([]);
  });

  test('what never comes is an instant only where that may be', () => {
    expect([INSTANT_OR_NEVER.read('never'), INSTANT.read('never')]).toEqual([NEVER, undefined]);
  });
});

test.each([
  [0, 50],
  [-1, 50],
  [1, 1],
  [1_000, 1_000],
  [1_001, 1_000],
])('a page size of %i means %i', (pageSize, expected) => {
  expect(pageSizeOf({ pageSize })).toBe(expected);
});
