import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SHARDS } from '../../src/tables/book-key.ts';
import { readCursor, writeCursor, type FeedCursor, type FeedPlace } from '../../src/feed/feed-cursor.ts';

const number = fc.integer({ min: 0, max: 2 ** 50 });
const ordinal = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const bookId = fc.maxSafeNat();
const uuid = fc.stringMatching(/^[0-9a-f]{32}$/);
const place: fc.Arbitrary<FeedPlace> = fc.record({
  position: number,
  inside: fc.option(
    fc.oneof(fc.record({ bookId, version: number, ordinal }), fc.record({ uuid, version: number, ordinal })),
  ),
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
        expect(foreign === null || others[0] === 1 || others[0] === 2).toBe(true);
      }),
    );
  });

  const places = (inside: FeedPlace['inside']) =>
    Array.from({ length: SHARDS }, (_, i) => ({ position: i % 2 === 0 ? 0 : 2 ** 51, inside }));

  test('is short on a stream that keeps up', () => {
    const near = Array.from({ length: SHARDS }, (_, i) => ({ position: 4_000_000_000 + i, inside: null }));
    expect(writeCursor({ of: 'namespace', places: near }).length).toBeLessThan(150);
  });

  test('at its longest is no longer than the contract allows', () => {
    const inside = { uuid: 'f'.repeat(32), version: 2 ** 52, ordinal: 2 ** 31 - 1 };
    const bytes = writeCursor({ of: 'namespace', places: places(inside) });
    // With the eight bytes that bind it to its question, as text.
    expect(Math.ceil(((bytes.length + 8) * 4) / 3)).toBeLessThanOrEqual(4_096);
  });

  test('of before books had numbers is read, and written anew is as good', () => {
    const inside = { uuid: '0199a3c2'.repeat(4), version: 9, ordinal: 1 };
    const [first, others] = [Buffer.from(inside.uuid, 'hex'), Buffer.alloc(SHARDS - 1)];
    // One of the shards at position 5 + 3, inside it; then the others at 5.
    const bytes = Buffer.from([1, 5, 3 * 2 + 1, ...first, inside.version, inside.ordinal, ...others]);
    const former = readCursor('namespace', bytes);

    expect(former).toMatchObject({ of: 'namespace' });
    expect((former as { places: readonly FeedPlace[] }).places.slice(0, 2)).toEqual([
      { position: 8, inside },
      { position: 5, inside: null },
    ]);
    expect(readCursor('namespace', writeCursor(former!))).toEqual(former);
    expect(readCursor('customer', Buffer.from([1, 9, 1]))).toEqual({
      of: 'customer',
      version: 9,
      ordinal: 1,
    });
  });
});
