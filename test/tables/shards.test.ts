import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shardOf, SHARDS } from '../../src/tables/book-key.ts';

/** Where every row lives, for ever: FNV-1a over the bytes of UTF-8, however they are come by. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARDS;
}

test('the shard of a book is the same for ever, whatever characters its key has', () => {
  const key = fc.record({ namespace: fc.string(), customerId: fc.string({ unit: 'binary' }) });
  fc.assert(
    fc.property(key, (one) => {
      expect(shardOf(one)).toBe(fnv1a(`${one.namespace}\0${one.customerId}`));
    }),
  );
  expect(shardOf({ namespace: 'default', customerId: 'ada' })).toBe(fnv1a('default\0ada'));
  expect(shardOf({ namespace: 'default', customerId: 'Zoë' })).toBe(fnv1a('default\0Zoë'));
});
