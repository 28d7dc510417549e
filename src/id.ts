import { randomBytes } from 'node:crypto';

/** What an id names, as its prefix on the wire. */
export type IdPrefix = 'grt' | 'chg' | 'txn' | 'ent' | 'acc';

/** The ends of the order of all uuids: no id is before the one or after the other. */
export const FIRST_UUID = '0'.repeat(32);
export const LAST_UUID = 'f'.repeat(32);

/** Makes the 32 hex digits of UUIDv7s that sort in the order they were made and never repeat. */
export type UuidMaker = () => string;

/** `now` in milliseconds; `random` fills the bits that make ids of several instances differ. */
export function uuidMaker(now: () => number, random: (bytes: number) => Buffer = randomBytes): UuidMaker {
  let last = 0;
  let counter = 0;
  let time = '';
  const tails = inPieces(random);
  return () => {
    const at = Math.max(now(), last);
    counter = at === last ? counter + 1 : 0;
    // A full counter borrows the next millisecond rather than repeating.
    const next = counter > 0xfff ? at + 1 : at;
    if (next !== last) time = next.toString(16).padStart(12, '0');
    last = next;
    counter &= 0xfff;
    const step = counter.toString(16).padStart(3, '0');
    const tail = tails(8);
    tail[0] = (tail[0]! & 0x3f) | 0x80;
    return `${time}7${step}${tail.toString('hex')}`;
  };
}

/** Random bytes drawn from the system in large pieces: one call for every id would cost more than the id. */
export const pooledRandom = (): ((bytes: number) => Buffer) => inPieces(randomBytes);

const LARGE_PIECE = 4096;

/** The pieces share the memory of a large one, and no byte is given twice. */
function inPieces(random: (bytes: number) => Buffer): (bytes: number) => Buffer {
  let pool = random(0);
  let next = 0;
  return (bytes) => {
    if (next + bytes > pool.length) {
      pool = random(LARGE_PIECE);
      next = 0;
    }
    next += bytes;
    return pool.subarray(next - bytes, next);
  };
}

/**
 * An id on the wire, such as `grt_0199a3c2…`: what it names and the 32 hex digits of a UUIDv7, so ids of a kind sort by
 * the time they were made; of a transaction, and of its entries, of the UUID of its place (ledger/transaction-id.ts).
 * Takes a uuid as made here or as Postgres prints it.
 */
export const idOf = (prefix: IdPrefix, uuid: string): string => `${prefix}_${uuid.replaceAll('-', '')}`;

/** The 32 hex digits Postgres reads as a uuid. */
export const uuidOf = (id: string): string => id.slice(id.indexOf('_') + 1);

/** Whether a text has the form of an id of this kind; anything else names nothing that exists. */
export const isId = (prefix: IdPrefix, text: string): boolean =>
  text.length === 36 && text.startsWith(`${prefix}_`) && /^[0-9a-f]{32}$/.test(text.slice(4));
