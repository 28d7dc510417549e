import { shardOf } from '../../src/tables/book-key.ts';

/**
 * A customer of the default namespace whose book lies in the same shard as that of `name`: number 0 is that one itself.
 * Among neighbours a statement that forgets to ask of one book only finds what is another's.
 */
export function neighbour(name: string, number: number): string {
  const shard = shardOf({ namespace: 'default', customerId: name });
  let found = name;
  for (let [left, suffix] = [number, 1]; left > 0; suffix += 1) {
    found = `${name} ${suffix}`;
    if (shardOf({ namespace: 'default', customerId: found }) === shard) left -= 1;
  }
  return found;
}
