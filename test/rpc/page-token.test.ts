import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { pageSizeOf, readPageToken, writePageToken } from '../../src/rpc/page-token.ts';
import { ProbeRequestSchema } from './probe.ts';

const request = (init: MessageInitShape<typeof ProbeRequestSchema>) => create(ProbeRequestSchema, init);
const cursor = ['2026-01-01T00:00:00.000Z', 'ent_1'];

test.each([
  ['the same', {}],
  ['another page size', { pageSize: 7 }],
  ['another min_version', { minVersion: 9n }],
])('a token is good for the same question with %s', (_case, more) => {
  const pageToken = writePageToken(ProbeRequestSchema, request({ name: 'Ada', pageToken: 'x' }), cursor);

  expect(readPageToken(ProbeRequestSchema, request({ name: 'Ada', ...more, pageToken }))).toEqual(cursor);
});

test('no token means the first page', () => {
  expect(readPageToken(ProbeRequestSchema, request({ name: 'Ada' }))).toBeUndefined();
});

test('the request is left as it was', () => {
  const asked = request({ name: 'Ada', pageSize: 3, pageToken: '' });
  writePageToken(ProbeRequestSchema, asked, cursor);

  expect(asked).toEqual(request({ name: 'Ada', pageSize: 3 }));
});

const good = writePageToken(ProbeRequestSchema, request({ name: 'Ada' }), cursor);
test.each([
  ['of another question', writePageToken(ProbeRequestSchema, request({ name: 'Eve' }), cursor)],
  ['cut short', good.slice(0, -4)],
  ['of one letter', 'a'],
  ['with another cursor', `${good.slice(0, -2)}AA`],
  ['that is no base64url', 'ä'.repeat(30)],
  [
    'made up, with no list in it',
    writePageToken(ProbeRequestSchema, request({ name: 'Ada' }), { a: 1 } as never),
  ],
  [
    'made up, with no texts in it',
    writePageToken(ProbeRequestSchema, request({ name: 'Ada' }), [1] as never),
  ],
])('a token %s is a PAGE_TOKEN_MISMATCH', (_case, pageToken) => {
  expect(() => readPageToken(ProbeRequestSchema, request({ name: 'Ada', pageToken }))).toThrow(
    expect.objectContaining({
      refusal: expect.objectContaining({ reason: 'PAGE_TOKEN_MISMATCH' }) as unknown,
    }),
  );
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
