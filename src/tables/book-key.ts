import { arraysOf, columnsOf, computed, smallint, text } from '../db/columns.ts';
import { onlyOne } from '../db/placement.ts';

/** Whose book it is: the caller's own customer id within a namespace. */
export type BookKey = { readonly namespace: string; readonly customerId: string };

/** How many shards there are. Never changes: it decides where every row lives. */
export const SHARDS = 64;

/** The shard of a book: FNV-1a over its key, spread evenly and stable for ever. */
export function shardOf({ namespace, customerId }: BookKey): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${namespace}\0${customerId}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
}

/** One text per book, for maps. */
export const bookKeyText = ({ namespace, customerId }: BookKey): string => `${namespace}\0${customerId}`;

const NAMES = columnsOf<BookKey>({
  shard: computed(smallint, shardOf),
  namespace: { ...text, of: 'namespace' },
  customer_id: { ...text, of: 'customerId' },
});

/** The parameters `$1` to `$4` by which a statement names books whose ids nobody knows yet. */
export const namedBy = (keys: readonly BookKey[]): readonly unknown[] => [
  ...arraysOf(NAMES, keys),
  onlyOne(keys.map(shardOf)),
];
