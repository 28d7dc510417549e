import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SHARDS } from '../../src/tables/book-key.ts';
import { readCursor, writeCursor, type FeedCursor, type FeedPlace } from '../../src/feed/feed-cursor.ts';

const number = fc.integer({ min: 0, max: 2 ** 51 });
const ordinal = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const bookId = fc.stringMatching(/^[0-9a-f]{32}$/);
const place: fc.Arbitrary<FeedPlace> = fc.record({
  position: number,
  inside: fc.option(fc.record({ bookId, version: number, ordinal })),
});
const cursor: fc.Arbitrary<FeedCursor> = fc.oneof(
  fc.record({ of: fc.constant('customer' as const), version: number, ordinal }),
  fc.record({
    of: fc.constant('namespace' as const),
    places: fc.array(place, { minLength: SHARDS, maxLength: SHARDS }),
  }),
);

describe('a cursor', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(cursor, (written) => {
        expect(readCursor(written.of, writeCursor(written))).toEqual(written);
      }),
    );
  });

  test('is null when its bytes are others’, or cut short, or too many', () => {
    fc.assert(
      fc.property(cursor, fc.uint8Array({ maxLength: 3_000 }), (written, others) => {
        const bytes = writeCursor(written);
        expect(readCursor(written.of, bytes.subarray(0, -1))).toBeNull();
        expect(readCursor(written.of, Buffer.concat([bytes, Buffer.from([0])]))).toBeNull();
        const foreign = readCursor(written.of, Buffer.from(others));
        expect(foreign === null || others[0] === 1).toBe(true);
      }),
    );
  });

  const places = (inside: FeedPlace['inside']) =>
    Array.from({ length: SHARDS }, (_, i) => ({ position: i % 2 === 0 ? 0 : 2 ** 52, inside }));

  test('is short on a stream that keeps up', () => {
    const near = Array.from({ length: SHARDS }, (_, i) => ({ position: 4_000_000_000 + i, inside: null }));
    expect(writeCursor({ of: 'namespace', places: near }).length).toBeLessThan(150);
  });

  test('at its longest is no longer than the contract allows', () => {
    const inside = { bookId: 'f'.repeat(32), version: 2 ** 52, ordinal: 2 ** 31 - 1 };
    const bytes = writeCursor({ of: 'namespace', places: places(inside) });
    // With the eight bytes that bind it to its question, as text.
    expect(Math.ceil(((bytes.length + 8) * 4) / 3)).toBeLessThanOrEqual(4_096);
  });
});
