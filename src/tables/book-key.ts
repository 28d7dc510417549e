import { arraysOf, columnsOf, computed, smallint, text } from '../db/columns.ts';
import { onlyOne } from '../db/placement.ts';

/** Whose book it is: the caller's own customer id within a namespace. */
export type BookKey = { readonly namespace: string; readonly customerId: string };

/** How many shards there are. Never changes: it decides where every row lives. */
export const SHARDS = 64;

/** The shard of a book: FNV-1a over its key, spread evenly and stable for ever. */
export function shardOf(key: BookKey): number {
  const named = bookKeyText(key);
  let hash = FNV_BASIS;
  for (let i = 0; i < named.length; i += 1) {
    const code = named.charCodeAt(i);
    if (code > LAST_ASCII) return shardOfBytes(Buffer.from(named));
    hash = Math.imul(hash ^ code, FNV_PRIME);
  }
  return (hash >>> 0) % SHARDS;
}

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Up to here a character is the byte that UTF-8 has for it. */
const LAST_ASCII = 0x7f;

function shardOfBytes(bytes: Uint8Array): number {
  let hash = FNV_BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return (hash >>> 0) % SHARDS;
}

/**
 * The number of a book, by which its rows name it: its shard, and the last 47 bits of its uuid, all of them random. Of two
 * books of one shard with the same number the second is made under another.
 */
export const bookIdOf = (shard: number, uuid: string): number =>
  shard * OF_ONE_SHARD + (Number.parseInt(uuid.slice(-12), 16) % OF_ONE_SHARD);

const OF_ONE_SHARD = 2 ** 47;

/** One text per book, for maps. */
export const bookKeyText = ({ namespace, customerId }: BookKey): string => `${namespace}\0${customerId}`;

const SHARD = columnsOf<number>({ shard: computed(smallint, (shard) => shard) });
const NAMES = columnsOf<BookKey>({
  namespace: { ...text, of: 'namespace' },
  customer_id: { ...text, of: 'customerId' },
});

/** The parameters `$1` to `$4` by which a statement names books whose ids nobody knows yet; `shards` are theirs. */
export const namedBy = (keys: readonly BookKey[], shards = keys.map(shardOf)): readonly unknown[] => [
  ...arraysOf(SHARD, shards),
  ...arraysOf(NAMES, keys),
  onlyOne(shards),
];
